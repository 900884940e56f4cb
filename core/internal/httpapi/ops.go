package httpapi

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// healthz says that the process answers.
func healthz(_ *Server, c *gin.Context) error {
	reply(c, http.StatusOK, []byte(`{"status":"ok"}`))
	return nil
}

// readiness is the body of /readyz.
type readiness struct {
	Status   string        `json:"status"` // ok, readonly or draining
	Reads    bool          `json:"reads"`
	Writes   bool          `json:"writes"`
	Position core.Position `json:"position"`
	Version  string        `json:"version"`
	// Degraded are the plugins that should run and do not. Why stands where plugins are looked after, for those who do.
	Degraded []string `json:"degraded,omitempty"`
}

// readyz says whether to send requests here. A server that can read but not write is ready: its website stays up.
func readyz(s *Server, c *gin.Context) error {
	b := readiness{Status: "ok", Reads: true, Writes: s.o.Content.Ready() == nil, Position: s.o.Catalog.Position(), Version: s.o.Version}
	if s.o.Impaired != nil {
		b.Degraded = s.o.Impaired()
	}
	status := http.StatusOK
	switch {
	case s.draining.Load():
		b.Status, b.Reads, b.Writes, status = "draining", false, false, http.StatusServiceUnavailable
		c.Writer.Header().Set("Retry-After", "5")
	case !b.Writes:
		b.Status = "readonly"
	}
	reply(c, status, mustJSON(b))
	return nil
}

func exposeMetrics(s *Server, c *gin.Context) error {
	s.Metrics().ServeHTTP(c.Writer, c.Request)
	return nil
}

// explainProblem is where the "type" of a problem leads.
func explainProblem(s *Server, c *gin.Context) error {
	code := core.Code(strings.ReplaceAll(c.Param("code"), "-", "_"))
	if !knownCode(code) {
		return noSuchPage()
	}
	lang := languageOf(c.Request.Header)
	body := map[string]any{"type": problemType(code), "code": code, "status": statusOf(code), "title": titleOf(statusOf(code)).In(lang)}
	c.Writer.Header().Set("Vary", "Accept-Language")
	reply(c, http.StatusOK, mustJSON(body))
	return nil
}

// codes is the closed list.
var codes = []core.Code{core.CodeBadRequest, core.CodeTooLarge, core.CodeUnsupported, core.CodeInvalid, core.CodeUnauthenticated,
	core.CodeForbidden, core.CodeNotFound, core.CodeConflict, core.CodeStale, core.CodePrecondition, core.CodeRateLimited,
	core.CodeUnavailable, core.CodeInternal}

func knownCode(code core.Code) bool {
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}
