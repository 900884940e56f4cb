package httpapi

import "github.com/gin-gonic/gin"

func describeAPI(s *Server, c *gin.Context) error { return s.sendJSON(c, []byte("{}")) }
