package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

func listEntries(s *Server, c *gin.Context) error {
	params, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	if err := s.openPreview(c, params); err != nil {
		return err
	}
	return s.ask(c, params, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		return s.o.Reader.List(ctx, who, typeParam(c), params)
	})
}

func queryEntries(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	body, _, err := s.object(c, s.o.BodyBytes, jsonTypes)
	if err != nil {
		return err
	}
	return s.ask(c, nil, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		return s.o.Reader.Query(ctx, who, typeParam(c), body)
	})
}

// readEntry answers with one entry. A former slug leads on to the present one.
func readEntry(s *Server, c *gin.Context) error {
	params, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	if err := s.openPreview(c, params); err != nil {
		return err
	}
	stay := params.Get("redirect") == "false"
	params.Del("redirect")
	a, err := s.consult(c, params, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		return s.o.Reader.One(ctx, who, typeParam(c), c.Param("id"), params)
	})
	if err != nil {
		return err
	}
	if a.moved != "" {
		return s.sendMoved(c, a, stay)
	}
	s.send(c.Writer, c.Request, a)
	return nil
}

// sendMoved answers for a former slug: 301 to the present one, or with ?redirect=false the entry, and in "_redirect"
// where it is now.
func (s *Server) sendMoved(c *gin.Context, a *answer, stay bool) error {
	if stay {
		b := newAnswer(objectWith(a.body, "_redirect", a.moved), 0, jsonKind)
		b.public, b.control, b.until, b.maxAge, b.stale = a.public, a.control, a.until, a.maxAge, a.stale
		s.send(c.Writer, c.Request, b)
		return nil
	}
	to := entryURL(typeParam(c), a.moved)
	if c.Request.URL.RawQuery != "" {
		to += "?" + c.Request.URL.RawQuery
	}
	h := c.Writer.Header()
	s.describe(h, a, &a.plain)
	h.Del("Etag")
	h.Set("Location", to)
	s.secure(h)
	c.Writer.WriteHeader(http.StatusMovedPermanently)
	c.Writer.WriteHeaderNow()
	return nil
}

func entryURL(name core.TypeName, idOrSlug string) string {
	return "/api/v1/content/" + url.PathEscape(string(name)) + "/" + url.PathEscape(idOrSlug)
}

func search(s *Server, c *gin.Context) error {
	params, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	return s.ask(c, params, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		return s.o.Reader.Search(ctx, who, params)
	})
}

func listReferences(s *Server, c *gin.Context) error {
	return s.askAbout(c, s.o.Reader.References)
}

func listRevisions(s *Server, c *gin.Context) error {
	return s.askAbout(c, s.o.Reader.Revisions)
}

type aboutEntry func(ctx context.Context, who *core.Principal, name core.TypeName, id core.EntryID, params url.Values) (*core.Pending, error)

func (s *Server) askAbout(c *gin.Context, about aboutEntry) error {
	params, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	id, err := idParam(c)
	if err != nil {
		return err
	}
	return s.ask(c, params, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		return about(ctx, who, typeParam(c), id, params)
	})
}

func readRevision(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "diff"); err != nil {
		return err
	}
	id, rev, err := revisionParam(c)
	if err != nil {
		return err
	}
	diff, err := positive(c.Request.URL.Query().Get("diff"), "diff")
	if err != nil {
		return err
	}
	return s.ask(c, nil, func(ctx context.Context, who *core.Principal) (*core.Pending, error) {
		return s.o.Reader.Revision(ctx, who, typeParam(c), id, rev, diff)
	})
}

func idParam(c *gin.Context) (core.EntryID, error) {
	id := c.Param("id")
	if !core.ValidID(id) {
		return "", noSuchEntry()
	}
	return core.EntryID(id), nil
}

func revisionParam(c *gin.Context) (core.EntryID, int64, error) {
	id, err := idParam(c)
	if err != nil {
		return "", 0, err
	}
	rev, err := strconv.ParseInt(c.Param("rev"), 10, 64)
	if err != nil || rev < 1 || strconv.FormatInt(rev, 10) != c.Param("rev") {
		return "", 0, core.Refuse(core.CodeNotFound, "", "There is no such revision.", "Cette révision n’existe pas.")
	}
	return id, rev, nil
}

func noSuchEntry() error {
	return core.Refuse(core.CodeNotFound, "", "There is no such entry.", "Ce contenu n’existe pas.")
}

// positive reads a number from the address; "" is 0.
func positive(text, name string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, core.Refuse(core.CodeBadRequest, "", "“"+name+"” must be a whole number.", "« "+name+" » doit être un nombre entier.")
	}
	return n, nil
}
