package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/audit"
)

func (a *App) openAudit() (err error) {
	a.trail, err = audit.Open(audit.Config{Path: filepath.Join(a.config.Data, "audit.db"), Log: a.store.log, Content: a.writer,
		Types: a.types, Access: a.access, Logger: a.logger})
	return err
}

// keepAudit has the trail follow the log, and forget in time where requests came from.
func (a *App) keepAudit(background context.Context) {
	a.background.Go(func() { a.trail.Run(background) })
	if !a.options.Errand {
		a.background.Go(func() { a.forgetOrigins(background) })
	}
}

const (
	forgetLease = "audit-origins"
	forgetPace  = 24 * time.Hour
	forgetAgain = 10 * time.Minute // after a failure
)

// forgetOrigins forgets, day by day, where requests came from that are older than it is kept.
func (a *App) forgetOrigins(ctx context.Context) {
	for ctx.Err() == nil {
		pace := forgetPace
		if err := a.ForgetOrigins(ctx); err != nil && ctx.Err() == nil {
			a.logger.Warn("where old requests came from could not be forgotten; trying again", "error", err)
			pace = forgetAgain
		}
		select {
		case <-time.After(pace):
		case <-ctx.Done():
		}
	}
}

// ForgetOrigins forgets where requests came from that are older than the setting audit.origins: in the log, unless another
// node is at it, and in this node's audit trail.
func (a *App) ForgetOrigins(ctx context.Context) error {
	before := a.clock.Now().Add(-a.config.Audit.Origins)
	name := holder()
	if _, err := a.store.log.Lease(ctx, forgetLease, name, time.Hour); core.CodeOf(err) == core.CodeConflict {
		return a.trail.DropOrigins(ctx, before)
	} else if err != nil {
		return err
	}
	_, err := a.trail.ForgetOrigins(ctx, before)
	return errors.Join(err, a.store.log.Release(context.WithoutCancel(ctx), forgetLease, name))
}

// Auditor tells who did what.
func (a *App) Auditor() core.Auditor { return a.trail }

// AuditTrail is what can be asked who did what: a node, or a server through its API.
type AuditTrail interface {
	FindAudit(ctx context.Context, q core.AuditQuery) (*core.AuditPage, error)
}

var (
	_ AuditTrail = (*App)(nil)
	_ AuditTrail = (*Client)(nil)
)

// FindAudit implements AuditTrail. It waits for a trail that is behind the log as long as ctx lasts.
func (a *App) FindAudit(ctx context.Context, q core.AuditQuery) (*core.AuditPage, error) {
	for {
		page, err := a.trail.Find(ctx, core.System, q)
		if e, ok := core.AsError(err); !ok || e.Reason != "behind" {
			return page, err
		}
	}
}

// FindAudit implements AuditTrail.
func (c *Client) FindAudit(ctx context.Context, q core.AuditQuery) (*core.AuditPage, error) {
	params := url.Values{}
	for name, value := range map[string]string{"by": q.By, "event": q.Event, "type": string(q.Type), "entry": string(q.Entry), "address": q.Address,
		"since": timeParam(q.Since), "until": timeParam(q.Until), "after": q.Before, "limit": strconv.Itoa(q.PageLimit())} {
		if value != "" {
			params.Set(name, value)
		}
	}
	var answer struct {
		Data []core.AuditLine `json:"data"`
		Page struct {
			Next string `json:"next"`
		} `json:"page"`
	}
	err := c.Call(ctx, http.MethodGet, "/api/v1/audit?"+params.Encode(), nil, &answer, true)
	return &core.AuditPage{Data: answer.Data, Next: answer.Page.Next}, err
}

func timeParam(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// noteInLog notes an event where there is nothing but the log: the one commit that no write path makes. It is what the
// write path would have made of it.
func noteInLog(ctx context.Context, l core.Log, e core.AuditEvent) error {
	for {
		c, err := auditCommit(ctx, l, e)
		if err != nil {
			return err
		}
		_, err = core.AppendSettled(ctx, l, []core.Commit{*c})
		if !errors.Is(err, core.ErrPositionTaken) {
			return err
		}
	}
}

// auditCommit is the next commit of the log, with the event.
func auditCommit(ctx context.Context, l core.Log, e core.AuditEvent) (*core.Commit, error) {
	at, err := l.Now(ctx)
	if err != nil {
		return nil, err
	}
	last, err := lastCommit(ctx, l)
	if err != nil {
		return nil, err
	}
	if at.Before(last.At) {
		at = last.At // time does not go back in the log
	}
	doc, err := json.Marshal(struct {
		Event string `json:"event"`
		By    string `json:"by"`
		Count int    `json:"count"`
	}{e.Event, core.System.ID, e.Count})
	if err != nil {
		return nil, err
	}
	meta := core.Meta{Rev: 1, Status: core.StatusPublished, CreatedAt: at, CreatedBy: core.System.ID, UpdatedAt: at, UpdatedBy: core.System.ID,
		PublishedAt: &at, Live: &core.Live{Rev: 1, At: at}}
	c := &core.Commit{Position: last.Position + 1, ID: string(core.NewID(at)), At: at, By: core.System.ID, Reason: "audit", Changes: []core.Change{
		{Type: audit.Type, Entry: core.NewID(at), Op: core.OpPut, Action: core.ActionCreate, Meta: meta, Published: doc}}}
	c.Seal(last.Sum)
	return c, nil
}

// lastCommit gives a commit without a position for an empty log.
func lastCommit(ctx context.Context, l core.Log) (core.Commit, error) {
	at, err := l.Last(ctx)
	if err != nil || at == 0 {
		return core.Commit{}, err
	}
	commits, err := l.Read(ctx, at, 1)
	if err == nil && len(commits) == 0 {
		err = core.Errorf(core.CodeInternal, "commit %d is missing from the log: run the log's verification", at)
	}
	if err != nil {
		return core.Commit{}, err
	}
	return commits[0], nil
}
