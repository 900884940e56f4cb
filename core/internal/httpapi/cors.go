package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

const (
	corsHeaders = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-CSRF-Token, Accept-Language, Last-Event-ID, " + waitHeader
	corsExposed = "ETag, " + positionHeader + ", Location, Retry-After, X-Request-Id"
)

// crossSite is the writer of an answer where the operator has named the only other sites whose scripts may use the API:
// the answer names such a site, alone and exactly, or none. Without a list there is no such writer, and what is public is
// open to the scripts of any site.
type crossSite struct {
	http.ResponseWriter
	origin  string // "" for none on the list
	written bool
}

// across puts the writer on where there is a list.
func (s *Server) across(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if len(s.o.Origins) == 0 {
		return w
	}
	c := &crossSite{ResponseWriter: w}
	if given := r.Header["Origin"]; len(given) == 1 && slices.Contains(s.o.Origins, given[0]) {
		c.origin = given[0]
	}
	return c
}

// WriteHeader settles the headers at the last moment, over what was said for any site.
func (c *crossSite) WriteHeader(status int) {
	if !c.written {
		c.written = true
		c.settle(c.Header())
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *crossSite) settle(h http.Header) {
	h["Vary"] = []string{strings.Join(append(slices.Clone(h["Vary"]), "Origin"), ", ")}
	delete(h, "Access-Control-Allow-Origin")
	if c.origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", c.origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", corsExposed)
}

// Write sends the headers first.
func (c *crossSite) Write(b []byte) (int, error) {
	if !c.written {
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *crossSite) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// preflight answers a browser that asks before it lets a script ask.
func (s *Server) preflight(c *gin.Context, allowed string) {
	h, r := c.Writer.Header(), c.Request
	h.Set("Allow", allowed+", OPTIONS")
	wanted := first(r.Header, "Access-Control-Request-Method")
	switch {
	case !slices.Contains(strings.Split(allowed, ", "), wanted):
	case len(s.o.Origins) == 0:
		anySite(h, wanted)
	case slices.Contains(s.o.Origins, first(r.Header, "Origin")):
		h.Set("Access-Control-Allow-Methods", allowed)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", "7200")
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
}

// anySite lets scripts of any site read what is public, and nothing more.
func anySite(h http.Header, wanted string) {
	if wanted != http.MethodGet {
		return
	}
	h["Access-Control-Allow-Origin"] = anyOrigin
	h.Set("Access-Control-Allow-Methods", "GET, HEAD")
	h.Set("Access-Control-Allow-Headers", "Accept-Language, If-None-Match, Last-Event-ID, "+waitHeader)
	h.Set("Access-Control-Max-Age", "86400")
}
