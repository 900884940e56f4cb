package httpapi

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// originOf is where a request comes from, as far as the trusted proxies tell.
func (s *Server) originOf(c *gin.Context) *core.Origin {
	return &core.Origin{Address: s.clientAddress(c.Request), Agent: first(c.Request.Header, "User-Agent"), Request: of(c).id}
}

// auditAnswer is a page of the trail in the shape of every list.
type auditAnswer struct {
	Data []core.AuditLine `json:"data"`
	Page auditPage        `json:"page"`
}

type auditPage struct {
	Limit int     `json:"limit"`
	Next  *string `json:"next"`
}

func listAudit(s *Server, c *gin.Context) error {
	q, err := auditQueryOf(c.Request)
	if err != nil {
		return err
	}
	found, err := s.o.Auditor.Find(c.Request.Context(), of(c).who, q)
	if err != nil {
		return err
	}
	answer := auditAnswer{Data: found.Data, Page: auditPage{Limit: q.PageLimit()}}
	if answer.Data == nil {
		answer.Data = []core.AuditLine{}
	}
	if found.Next != "" {
		answer.Page.Next = &found.Next
	}
	reply(c, http.StatusOK, mustJSON(answer))
	return nil
}

func auditQueryOf(r *http.Request) (q core.AuditQuery, err error) {
	if err := onlyParams(r, "by", "event", "type", "entry", "address", "since", "from", "until", "after", "limit"); err != nil {
		return q, err
	}
	params := r.URL.Query()
	q = core.AuditQuery{By: params.Get("by"), Event: params.Get("event"), Type: core.TypeName(params.Get("type")),
		Entry: core.EntryID(params.Get("entry")), Address: params.Get("address"), Before: params.Get("after")}
	since := "since"
	if !params.Has(since) && params.Has("from") { // an older name
		since = "from"
	}
	if q.Since, err = timeParam(params, since); err != nil {
		return q, err
	}
	if q.Until, err = timeParam(params, "until"); err != nil {
		return q, err
	}
	limit, err := positive(params.Get("limit"), "limit")
	q.Limit = int(min(limit, 1000)) // beyond what a page holds one number is as good as another
	return q, err
}

// timeParam reads a moment, or a day, which begins in UTC.
func timeParam(params url.Values, name string) (time.Time, error) {
	text := params.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range [...]string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, core.Refuse(core.CodeBadRequest, "", "“"+name+"” must be a time such as 2026-03-29 or 2026-03-29T02:00:00Z.",
		"« "+name+" » doit être un moment tel que 2026-03-29 ou 2026-03-29T02:00:00Z.")
}
