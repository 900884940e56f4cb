package privacy

import (
	"context"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// mostAudit is how many lines of the audit an export holds of one account.
const mostAudit = 10_000

// exported is one entry on its way into an export.
type exported struct {
	entry   core.SubjectEntry
	target  *target
	doc     map[string]any
	history []any
	last    map[string]any // the values of the revision before
}

// Export implements core.Privacy. The document holds the date, what was found, and per entry the values of its personal
// fields now and in each version that had others. An entry that is about the subject is there as a whole, but for secrets.
// Mentions are listed, for a person to look at.
func (s *Service) Export(ctx context.Context, who *core.Principal, q core.SubjectQuery) (core.Doc, error) {
	if err := s.permit(ctx, who, core.ActionExport); err != nil {
		return nil, err
	}
	f, err := s.find(ctx, q)
	if err != nil {
		return nil, err
	}
	entries, err := s.exportEntries(ctx, f)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"exportedAt": s.Now().UTC().Format(time.RFC3339), "entries": entries, "mentions": mentionsOf(&f.mentions), "complete": !f.found.more && !f.mentions.more}
	if err := s.note(ctx, who, core.AuditExport, len(entries), map[string]any{"subject": true}); err != nil {
		return nil, err
	}
	return jsondoc.Encode(out), nil
}

func mentionsOf(h *hits) []any {
	list := []any{}
	for _, e := range h.order {
		list = append(list, map[string]any{"type": string(e.Type), "id": string(e.ID), "title": e.Title, "fields": anys(e.Fields)})
	}
	return list
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func (s *Service) exportEntries(ctx context.Context, f *finder) ([]any, error) {
	all := map[core.EntryID]*exported{}
	for _, e := range f.found.order {
		all[e.ID] = &exported{entry: *e, target: f.types[e.Type]}
	}
	if err := s.addHistory(ctx, all); err != nil {
		return nil, err
	}
	list := []any{}
	for _, e := range f.found.order {
		if err := s.complete(ctx, all[e.ID]); err != nil {
			return nil, err
		}
		list = append(list, all[e.ID].doc)
	}
	return list, nil
}

// addHistory reads the log once for all entries.
func (s *Service) addHistory(ctx context.Context, all map[core.EntryID]*exported) error {
	if len(all) == 0 {
		return nil
	}
	return s.eachCommit(ctx, s.Catalog.Position(), func(c *core.Commit) error {
		for i := range c.Changes {
			if x := all[c.Changes[i].Entry]; x != nil {
				if err := x.change(c, &c.Changes[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// change adds a version of the past, where it has other values than the one before.
func (x *exported) change(c *core.Commit, ch *core.Change) error {
	docs, err := changed(ch)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		values := x.values(doc, true)
		if len(values) == 0 || jsondoc.Equal(values, x.last) {
			continue
		}
		x.last = values
		x.history = append(x.history, map[string]any{"rev": ch.Meta.Rev, "at": c.At.UTC().Format(time.RFC3339), "fields": values})
	}
	return nil
}

// values gives the personal fields of a document, and of one of the past what was personal once.
func (x *exported) values(doc map[string]any, past bool) map[string]any {
	values := map[string]any{}
	paths := x.target.personal
	if past {
		paths = topmost(slices.Concat(x.target.past, x.entry.Fields))
	}
	for _, path := range paths {
		if f, ok := x.target.typ.Field(path); ok && f.Secret {
			continue
		}
		var list []any
		for _, at := range spotsOf(doc, path) {
			if filled(at.value) {
				list = append(list, at.value)
			}
		}
		if len(list) > 0 {
			values[path] = list
		}
	}
	return values
}

// complete adds what the entry is now.
func (s *Service) complete(ctx context.Context, x *exported) error {
	x.doc = map[string]any{"type": string(x.entry.Type), "id": string(x.entry.ID), "title": x.entry.Title, "in": anys(x.entry.In), "history": slices.Concat([]any{}, x.history)}
	e, err := s.Catalog.Entry(ctx, x.entry.Type, x.entry.ID)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	docs, err := documentsOf(e)
	if err != nil {
		return err
	}
	for _, v := range docs {
		x.addVersion(v)
	}
	return s.addAudit(ctx, x)
}

func (x *exported) addVersion(v version) {
	x.doc[string(v.state)] = map[string]any{"fields": x.values(v.doc, false)}
	if !x.about(v.doc) {
		return
	}
	whole := jsondoc.CloneObject(v.doc)
	for i := range x.target.typ.Fields {
		f := &x.target.typ.Fields[i]
		for _, at := range spotsOf(whole, f.Path) {
			if f.Secret {
				at.take(whole)
			}
		}
	}
	x.doc[string(v.state)].(map[string]any)["document"] = whole
}

// about reports whether a document is about its subject: most of what it says is personal.
func (x *exported) about(doc map[string]any) bool {
	own, all := 0, 0
	for name := range doc {
		if name == core.DocTranslations || name == core.DocLocale || name == x.target.typ.SlugField {
			continue
		}
		all++
		if slices.ContainsFunc(x.target.personal, func(path string) bool { return within(name, path) }) {
			own++
		}
	}
	return 2*own > all
}

// addAudit adds what an account has done: it is the subject's own, so the right to export is enough.
func (s *Service) addAudit(ctx context.Context, x *exported) error {
	if x.entry.Type != "_user" || s.Auditor == nil {
		return nil
	}
	lines := []any{}
	q := core.AuditQuery{By: "user:" + string(x.entry.ID), Limit: 200}
	for {
		page, err := s.Auditor.Find(ctx, core.System, q)
		if err != nil {
			return err
		}
		for i := range page.Data {
			lines = append(lines, auditLine(&page.Data[i]))
		}
		if q.Before = page.Next; q.Before == "" || len(lines) >= mostAudit {
			x.doc["audit"] = lines
			return nil
		}
	}
}

func auditLine(l *core.AuditLine) map[string]any {
	line := map[string]any{"at": l.At.UTC().Format(time.RFC3339), "event": l.Event}
	for name, v := range map[string]string{"type": string(l.Type), "entry": string(l.Entry), "comment": l.Comment} {
		if v != "" {
			line[name] = v
		}
	}
	if l.Origin != nil {
		line["address"], line["agent"] = l.Origin.Address, l.Origin.Agent
	}
	return line
}
