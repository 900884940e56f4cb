package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// exportEntries gives out all entries that a list finds, as a file. It is a route of its own, outside of those of a type's
// entries, since one of them may have the slug "export".
func exportEntries(s *Server, c *gin.Context) error {
	params, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	e, err := s.o.Exporter.Export(c.Request.Context(), of(c).who, typeParam(c), params)
	if err != nil {
		return err
	}
	out := &download{ResponseWriter: c.Writer, export: e, control: http.NewResponseController(of(c).ResponseWriter)}
	if c.Request.Method != http.MethodHead {
		err = e.Write(c.Request.Context(), out)
	}
	if err != nil && out.begun {
		s.fail(c.Writer, of(c), c.Request, err)
		panic(http.ErrAbortHandler) // half a file is out: cut it off rather than let it look whole
	}
	if err == nil {
		out.begin()
	}
	return err
}

// download is a file on its way. Its headers are sent with the first byte, so that what fails before can be said.
type download struct {
	http.ResponseWriter
	export  *core.Export
	control *http.ResponseController
	begun   bool
}

func (d *download) begin() {
	if d.begun {
		return
	}
	d.begun = true
	h := d.Header()
	h.Set("Content-Type", d.export.Kind)
	h.Set("Content-Disposition", `attachment; filename="`+d.export.Name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Authorization, Cookie")
	h.Set("X-Total-Count", strconv.Itoa(d.export.Total))
	d.WriteHeader(http.StatusOK)
}

// Write gives a reader a minute for each part; whoever takes longer has gone.
func (d *download) Write(b []byte) (int, error) {
	d.begin()
	_ = d.control.SetWriteDeadline(time.Now().Add(time.Minute)) // not every writer has one
	return d.ResponseWriter.Write(b)
}
