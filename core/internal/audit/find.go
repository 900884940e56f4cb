package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Find implements core.Auditor. It answers with what the log has at the moment of the question; CodeUnavailable while
// the view is too far behind for that. With the log away it answers with what the view has.
func (t *Trail) Find(ctx context.Context, who *core.Principal, q core.AuditQuery) (*core.AuditPage, error) {
	if err := t.mayList(ctx, who); err != nil {
		return nil, err
	}
	s, err := selection(&q)
	if err != nil {
		return nil, err
	}
	if err := t.catchUp(ctx); err != nil {
		return nil, err
	}
	list, err := t.look(ctx, s)
	if err != nil {
		t.mend(err)
		return nil, core.Wrap("audit.Find", err)
	}
	return page(list, s.limit), nil
}

func (t *Trail) look(ctx context.Context, s *choice) ([]row, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.file.find(ctx, s)
}

// mayList asks for the right to the whole trail: a line tells of commits, not of an entry whose rows and fields a permission
// could choose from, so one that gives a part only does not open it.
func (t *Trail) mayList(ctx context.Context, who *core.Principal) error {
	typ, ok := t.Types.Type(Type)
	if !ok {
		return core.NoType(Type)
	}
	s, err := t.Access.Scope(ctx, who, typ, core.ActionList)
	if err == nil && (s.Where != nil || !s.Read.Whole()) {
		en, fr := "The audit trail is shown as a whole, to those whose right to it has no condition and hides no field.",
			"Le journal d’audit se montre en entier, à qui y a droit sans condition ni champ masqué."
		return &core.Error{Code: core.CodeForbidden, Message: en, Texts: core.Text{"en": en, "fr": fr}}
	}
	return err
}

// Settle waits until the trail has taken in what the log holds now, or Config.Patience is over.
func (t *Trail) Settle(ctx context.Context) error { return t.catchUp(ctx) }

// catchUp waits until the view is where the log is now.
func (t *Trail) catchUp(ctx context.Context) error {
	last, err := t.Log.Last(ctx)
	if core.CodeOf(err) == core.CodeUnavailable {
		last, err = 0, nil
	}
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, t.Patience)
	defer cancel()
	for {
		at, settled, moved := t.reached()
		if at >= last && (settled || last == 0) {
			return nil
		}
		select {
		case <-moved:
		case <-limited.Done():
			return behind(ctx, at, last)
		}
	}
}

func behind(ctx context.Context, at, last core.Position) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	far := strconv.FormatUint(uint64(at), 10) + "/" + strconv.FormatUint(uint64(last), 10)
	en := "The audit trail is still being made from the log (" + far + "). Ask again in a moment."
	fr := "Le journal d’audit est encore en cours de constitution (" + far + "). Réessayez dans un instant."
	return &core.Error{Code: core.CodeUnavailable, Reason: "behind", Message: en, Texts: core.Text{"en": en, "fr": fr}, Extra: map[string]any{"retryAfter": 5}}
}

// choice is what a question selects: conditions that are joined by and, and their values.
type choice struct {
	conditions []string
	values     []any
	limit      int
}

func (s *choice) where(condition string, values ...any) {
	s.conditions, s.values = append(s.conditions, condition), append(s.values, values...)
}

func (s *choice) equal(column, value string) {
	if value != "" {
		s.where(column+" = ? and "+column+" <> ''", value) // the latter lets SQLite use an index without empty values
	}
}

func selection(q *core.AuditQuery) (*choice, error) {
	s := &choice{limit: q.PageLimit()}
	s.equal("by", q.By)
	s.equal("event", q.Event)
	s.equal("type", string(q.Type))
	s.equal("entry", string(q.Entry))
	s.equal("address", q.Address)
	if !q.Since.IsZero() {
		s.where("at >= ?", ceilMilli(q.Since))
	}
	if !q.Until.IsZero() {
		s.where("at < ?", ceilMilli(q.Until))
	}
	if q.Before == "" {
		return s, nil
	}
	position, part, ok := parseCursor(q.Before)
	if !ok {
		return nil, badCursor()
	}
	s.where("(position, part) < (?, ?)", position, part)
	return s, nil
}

// ceilMilli compares with times that are whole milliseconds.
func ceilMilli(at time.Time) int64 { return at.Add(time.Millisecond - 1).UnixMilli() }

// A cursor is the place of the last line of a page: "4711.0".
func cursorOf(r *row) string {
	return strconv.FormatUint(uint64(r.Position), 10) + "." + strconv.Itoa(r.index)
}

func parseCursor(s string) (position, part int64, ok bool) {
	before, after, found := strings.Cut(s, ".")
	position, err := strconv.ParseInt(before, 10, 64)
	part, err2 := strconv.ParseInt(after, 10, 64)
	return position, part, found && err == nil && err2 == nil && position > 0 && part >= 0
}

func badCursor() error {
	en := "The cursor is not one of the audit trail: take page.next of the page before, or leave it out."
	fr := "Le curseur n’est pas du journal d’audit : prenez page.next de la page précédente, ou omettez-le."
	return &core.Error{Code: core.CodeBadRequest, Reason: "bad_cursor", Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

// find gives one line more than the limit where there are more.
func (f *file) find(ctx context.Context, s *choice) ([]row, error) {
	text := `select position, part, at, by, event, type, entry, rev, reason, comment, address, agent, request, count, detail from lines`
	if len(s.conditions) > 0 {
		text += " where " + strings.Join(s.conditions, " and ")
	}
	found, err := f.db.Read.QueryContext(ctx, text+" order by position desc, part desc limit ?", append(s.values, s.limit+1)...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var list []row
	for found.Next() {
		r, err := scan(found)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, found.Err()
}

func scan(found *sql.Rows) (r row, err error) {
	var position, at int64
	var detail string
	var from core.Origin
	if err := found.Scan(&position, &r.index, &at, &r.By, &r.Event, &r.Type, &r.Entry, &r.Rev, &r.Reason, &r.Comment,
		&from.Address, &from.Agent, &from.Request, &r.Count, &detail); err != nil {
		return r, err
	}
	r.Position, r.At = core.Position(position), time.UnixMilli(at).UTC()
	if from != (core.Origin{}) {
		r.Origin = &from
	}
	if detail != "" {
		err = json.Unmarshal([]byte(detail), &r.Detail)
	}
	return r, err
}

func page(list []row, limit int) *core.AuditPage {
	p := &core.AuditPage{Data: make([]core.AuditLine, 0, min(len(list), limit))}
	for i := range list[:min(len(list), limit)] {
		p.Data = append(p.Data, list[i].AuditLine)
	}
	if len(list) > limit {
		p.Next = cursorOf(&list[limit-1])
	}
	return p
}
