package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Bare is the yardstick that answers from the cache are measured with: gin writing bodies from memory, by their path,
// with their media type and nothing else: no conditions, no compression, no headers of a cache, no access.
func Bare(bodies map[string][]byte) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	for path, body := range bodies {
		e.GET(path, func(c *gin.Context) { c.Data(http.StatusOK, "application/json; charset=utf-8", body) })
	}
	return e
}
