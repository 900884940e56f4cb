package privacy

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// batchBytes is how much the documents of one batch of a sweep may weigh.
const batchBytes = core.MaxCommitBytes / 2

// sweepReason is what the record of a sweep says.
const sweepReason = "Durée de conservation dépassée / Kept for longer than declared"

// Retention implements core.Privacy. An entry is due for the fields whose time to keep has passed since its last change, or
// since the date in the field that x-personal.since names; accounts only once they have ended or are suspended. The past of
// an entry that was purged is due when the entry would be. Sessions that are there are swept by those who keep them.
func (s *Service) Retention(ctx context.Context, who *core.Principal, dryRun bool) (*core.RetentionReport, error) {
	action := core.ActionCreate
	if dryRun {
		action = core.ActionRead
	}
	if err := s.permit(ctx, who, action); err != nil {
		return nil, err
	}
	report := &core.RetentionReport{DryRun: dryRun, At: s.Now().UTC(), Due: []core.RetentionDue{}}
	batches, err := s.due(ctx, report)
	if err != nil {
		return nil, err
	}
	if err := s.note(ctx, who, core.AuditSweep, len(report.Due), map[string]any{"dryRun": dryRun}); err != nil || dryRun {
		return report, err
	}
	report.Erasure, err = s.sweep(ctx, batches)
	return report, err
}

// keeping is how long fields are kept, counted from when.
type keeping struct {
	period core.Period
	since  string
	fields []string
}

// keepings puts the personal fields of a type together by how long they are kept.
func keepings(t *core.Type) []keeping {
	var list []keeping
	at := map[string]int{}
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Personal == nil || f.Personal.Keep == "" {
			continue
		}
		period, err := core.ParsePeriod(f.Personal.Keep)
		if err != nil {
			continue // a schema from before periods were checked
		}
		key := f.Personal.Keep + " " + f.Personal.Since
		k, known := at[key]
		if !known {
			k = len(list)
			at[key], list = k, append(list, keeping{period: period, since: f.Personal.Since})
		}
		list[k].fields = append(list[k].fields, f.Path)
	}
	for i := range list {
		list[i].fields = topmost(list[i].fields)
	}
	return list
}

// batch is what one commit of a sweep takes.
type batch struct {
	entries []core.ErasureEntry
	bytes   int
}

// due lists what has been kept for too long, in batches.
func (s *Service) due(ctx context.Context, report *core.RetentionReport) ([]batch, error) {
	var batches []batch
	for _, t := range s.Types.Types() {
		rules := keepings(t)
		if len(rules) == 0 || t.Name == "_session" || t.Name == "_audit" {
			continue
		}
		err := s.Catalog.Each(ctx, t.Name, "", func(e *core.Entry) error {
			d, err := s.dueOf(ctx, t, rules, e, report.At)
			if err != nil || d == nil {
				return err
			}
			report.Due = append(report.Due, *d)
			batches = addTo(batches, core.ErasureEntry{Type: t.Name, ID: e.ID, Fields: d.Fields}, len(e.Draft)+len(e.Published))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	gone, err := s.dueGone(ctx, report.At)
	for _, d := range gone {
		report.Due = append(report.Due, d)
		batches = addTo(batches, core.ErasureEntry{Type: d.Type, ID: d.ID, Fields: d.Fields}, 0)
	}
	return batches, err
}

func addTo(batches []batch, e core.ErasureEntry, bytes int) []batch {
	if n := len(batches); n == 0 || len(batches[n-1].entries) == mostEntries || batches[n-1].bytes+bytes > batchBytes {
		batches = append(batches, batch{})
	}
	last := &batches[len(batches)-1]
	last.entries, last.bytes = append(last.entries, e), last.bytes+bytes
	return batches
}

// dueOf tells which fields of an entry have been kept for too long; nil for none.
func (s *Service) dueOf(ctx context.Context, t *core.Type, rules []keeping, e *core.Entry, now time.Time) (*core.RetentionDue, error) {
	docs, err := documentsOf(e)
	if err != nil || t.Name == "_user" && !ended(docs, now) {
		return nil, err
	}
	due := &core.RetentionDue{Type: t.Name, ID: e.ID}
	for _, rule := range rules {
		over, ok := rule.over(e, docs)
		if !ok || over.After(now) || !holdsAny(docs, rule.fields) {
			continue
		}
		due.Fields = append(due.Fields, rule.fields...)
		if due.Since.IsZero() || over.Before(due.Since) {
			due.Since = over.UTC()
		}
	}
	if due.Fields == nil {
		return nil, nil
	}
	if erased, err := s.erasedLast(ctx, e); err != nil || erased && spent(t, e.ID, docs, due.Fields) {
		return nil, err
	}
	return due, nil
}

// erasedLast reports whether an erasure was the last change of an entry.
func (s *Service) erasedLast(ctx context.Context, e *core.Entry) (bool, error) {
	last, err := s.Catalog.Revisions(ctx, e.ID, 0, 1)
	return len(last) == 1 && last[0].Action == core.ActionErase, err
}

// spent reports whether fields hold nothing but what an erasure leaves there: what must have a value has one that names nobody.
func spent(t *core.Type, id core.EntryID, docs []version, fields []string) bool {
	return !slices.ContainsFunc(docs, func(v version) bool {
		after, _, wrong := anonymise(t, id, v.doc, fields, "")
		return wrong != nil || !jsondoc.Equal(after, v.doc)
	})
}

// over gives the moment up to which the fields may be kept; not ok where the field to count from has no date.
func (k *keeping) over(e *core.Entry, docs []version) (at time.Time, ok bool) {
	if k.since == "" {
		return k.period.After(e.UpdatedAt), true
	}
	for _, v := range docs {
		if t := k.counted(v.doc); t.After(at) {
			at, ok = t, true
		}
	}
	return k.period.After(at), ok
}

// counted gives the last of the dates to count from that a document has; the zero time for none.
func (k *keeping) counted(doc map[string]any) (at time.Time) {
	for _, value := range jsondoc.Values(doc, k.since) {
		if t, isDate := date(value); isDate && t.After(at) {
			at = t
		}
	}
	return at
}

func date(v any) (time.Time, bool) {
	text, _ := v.(string)
	if t, err := time.Parse(time.RFC3339, strings.ToUpper(text)); err == nil {
		return t, true
	}
	t, err := time.Parse(time.DateOnly, text)
	return t, err == nil
}

// ended reports whether an account is suspended or over.
func ended(docs []version, now time.Time) bool {
	return slices.ContainsFunc(docs, func(v version) bool {
		end, ok := date(v.doc["endsAt"])
		return v.doc["suspended"] == true || ok && !end.After(now) || v.state == core.StateTrash
	})
}

// sweep erases batch by batch, and then rewrites the past of all of them at once. nil when nothing was due.
func (s *Service) sweep(ctx context.Context, batches []batch) (*core.ErasureReport, error) {
	if len(batches) == 0 {
		return nil, nil
	}
	total := &core.ErasureReport{Entries: []core.ErasureEntry{}, Replaced: []core.ReplacedField{}, Refused: []core.Failure{}}
	for _, b := range batches {
		part, err := s.commit(ctx, core.Erasure{Entries: b.entries, Reason: sweepReason})
		if err != nil {
			return nil, err
		}
		total.ID, total.Position = part.ID, part.Position
		total.Entries, total.Replaced, total.Refused = append(total.Entries, part.Entries...), append(total.Replaced, part.Replaced...), append(total.Refused, part.Refused...)
	}
	done, err := s.finish(context.WithoutCancel(ctx))
	if err != nil {
		return nil, unfinished(err)
	}
	for _, x := range done {
		total.Commits += len(x.commits)
		total.Position = max(total.Position, x.position)
	}
	return total, nil
}
