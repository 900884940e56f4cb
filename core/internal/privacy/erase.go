package privacy

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// maxPlans bounds how often an erasure is planned anew because entries move meanwhile.
const maxPlans = 20

// reason is that of the commits of an erasure.
const reason = "erasure"

// Erase implements core.Privacy.
func (s *Service) Erase(ctx context.Context, who *core.Principal, r core.Erasure) (*core.ErasureReport, error) {
	if err := s.permit(ctx, who, core.ActionCreate); err != nil {
		return nil, err
	}
	if err := s.check(r); err != nil {
		return nil, err
	}
	if err := s.permitOwn(ctx, who, r.Entries); err != nil {
		return nil, err
	}
	report, err := s.commit(ctx, r)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // once it has begun, nobody who leaves ends it
	// It is noted who began it before what takes long, which may be interrupted and then goes on without anybody.
	noted := s.note(ctx, who, core.AuditErasure, len(report.Entries), map[string]any{"erasure": string(report.ID), "dryRun": r.DryRun, "refused": len(report.Refused)})
	if err := s.conclude(ctx, report); err != nil {
		return nil, err
	}
	return report, noted
}

// conclude finishes an erasure that has begun, and any that was interrupted before.
func (s *Service) conclude(ctx context.Context, report *core.ErasureReport) error {
	if report.ID == "" {
		return nil
	}
	done, err := s.finish(ctx)
	if err != nil {
		return unfinished(err)
	}
	return s.outcome(ctx, report, done[report.ID])
}

// outcome completes a report. An erasure that another one has finished along with itself left its figures in the record.
func (s *Service) outcome(ctx context.Context, report *core.ErasureReport, x *erasure) error {
	if x != nil {
		report.Commits, report.Position = len(x.commits), x.position
		return nil
	}
	e, err := s.Catalog.Entry(ctx, record, report.ID)
	if err != nil {
		return err
	}
	var doc struct {
		Commits int `json:"commits"`
	}
	report.Position = s.Catalog.Position()
	err = json.Unmarshal(e.Latest(), &doc)
	report.Commits = doc.Commits
	return core.Wrap("privacy.outcome", err)
}

func unfinished(err error) error {
	return &core.Error{Op: "privacy.Erase", Code: core.CodeUnavailable, Reason: "unfinished", Err: err,
		Message: "The data is erased from the entries, but not from all of their past yet: that goes on by itself.",
		Texts: core.Text{"fr": "Les données sont effacées des contenus, mais pas encore de tout leur passé : cela se poursuivra de soi-même.",
			"en": "The data is erased from the entries, but not from all of their past yet: that goes on by itself."}}
}

// commit plans an erasure and writes its first commit. An entry that a rule keeps is left and told; where another writer was
// faster, everything is planned again.
func (s *Service) commit(ctx context.Context, r core.Erasure) (*core.ErasureReport, error) {
	var kept []*plan
	for range maxPlans {
		plans, err := s.plan(ctx, without(r.Entries, kept))
		if err != nil {
			return nil, err
		}
		kept = append(kept, refusedIn(plans)...)
		plans = slices.DeleteFunc(plans, func(p *plan) bool { return p.wrong != nil })
		report := reportOf(r, plans, kept)
		if len(plans) == 0 {
			return report, nil
		}
		faulty, err := s.write(ctx, r, plans, report)
		switch {
		case err == nil:
			return report, nil
		case core.CodeOf(err) == core.CodeStale:
		case faulty != nil && final(err):
			faulty.wrong = failureOf(faulty, err)
			kept = append(kept, faulty)
		default:
			return nil, err
		}
	}
	return nil, core.Refuse(core.CodeConflict, "", "Others go on changing the entries. Try again in a moment.", "D’autres modifient ces contenus sans cesse. Réessayez dans un instant.")
}

func without(entries []core.ErasureEntry, kept []*plan) []core.ErasureEntry {
	return slices.DeleteFunc(slices.Clone(entries), func(e core.ErasureEntry) bool {
		return slices.ContainsFunc(kept, func(p *plan) bool { return p.ID == e.ID })
	})
}

func refusedIn(plans []*plan) []*plan {
	return slices.DeleteFunc(slices.Clone(plans), func(p *plan) bool { return p.wrong == nil })
}

// final reports whether an operation was refused for what the entry is, as what others refer to.
func final(err error) bool {
	code := core.CodeOf(err)
	return code == core.CodeConflict || code == core.CodeInvalid || code == core.CodeForbidden || code == core.CodeNotFound
}

func failureOf(p *plan, err error) *core.Failure {
	f := &core.Failure{ID: p.ID, In: core.StateDraft, Errors: []core.FieldError{{Keyword: string(core.CodeOf(err)), Message: err.Error()}}}
	if p.old.Trashed() {
		f.In = core.StateTrash
	}
	if e, ok := core.AsError(err); ok {
		f.Errors[0].Message, f.Errors[0].Texts = e.Message, e.Texts
	}
	return f
}

func reportOf(r core.Erasure, plans, kept []*plan) *core.ErasureReport {
	report := &core.ErasureReport{DryRun: r.DryRun, Entries: []core.ErasureEntry{}, Replaced: []core.ReplacedField{}, Refused: []core.Failure{}}
	for _, p := range plans {
		if p.along {
			continue
		}
		report.Entries = append(report.Entries, p.ErasureEntry)
		report.Replaced = append(report.Replaced, p.replaced...)
	}
	for _, p := range kept {
		report.Refused = append(report.Refused, *p.wrong)
	}
	return report
}

// write makes the commit of an erasure and its record. When one entry is at fault it is given with the error.
func (s *Service) write(ctx context.Context, r core.Erasure, plans []*plan, report *core.ErasureReport) (faulty *plan, err error) {
	var ops []core.Operation
	var of []*plan
	for _, p := range plans {
		if op, any := p.operation(); any {
			ops, of = append(ops, op), append(of, p)
		}
	}
	id := core.NewID(s.Now())
	ops = append(ops, core.Operation{Op: core.OperationCreate, Type: record, ID: id, Data: recordOf(r.Reason, plans)})
	result, err := s.Content.Write(ctx, core.System, ops, core.WriteOptions{Reason: reason, DryRun: r.DryRun})
	if err != nil {
		return blamed(err, of), err
	}
	if !r.DryRun {
		report.ID, report.Position = id, result.Position
	}
	return nil, nil
}

// blamed finds the plan whose operation failed.
func blamed(err error, plans []*plan) *plan {
	e, ok := core.AsError(err)
	if !ok {
		return nil
	}
	if i, ok := e.Extra["operation"].(int); ok && i < len(plans) {
		return plans[i]
	}
	return nil
}

// recordOf is the entry of _erasure: which entries and fields, never what they held. Without fields it is about all that are
// personal.
func recordOf(reason string, plans []*plan) map[string]any {
	entries := make([]any, len(plans))
	for i, p := range plans {
		e := map[string]any{"type": string(p.Type), "id": string(p.ID)}
		if p.Purge {
			e["purge"] = true
		} else if !p.all {
			e["fields"] = anys(p.Fields)
		}
		if p.Past {
			e["past"] = true
		}
		entries[i] = e
	}
	return map[string]any{"reason": reason, "state": "pending", "entries": entries}
}
