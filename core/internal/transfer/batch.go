package transfer

import (
	"context"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// batchesUnderWay is how many batches are written at once: while one waits for the store, the next is checked.
const batchesUnderWay = 2

// written is a batch that came back.
type written struct {
	lines    []line
	outcomes []Outcome
	err      error
}

// flush sends the batch off.
func (m *importer) flush(ctx context.Context) error {
	if len(m.batch) == 0 {
		return nil
	}
	for len(m.waiting) >= batchesUnderWay {
		if err := m.collect(ctx); err != nil {
			return err
		}
	}
	lines, back := m.batch, make(chan written, 1)
	m.batch, m.weight, m.waiting = nil, 0, append(m.waiting, back)
	go func() {
		outcomes, err := m.perform(ctx, lines)
		back <- written{lines, outcomes, err}
	}()
	return nil
}

// finish sends the batch off and waits for all that is under way.
func (m *importer) finish(ctx context.Context) error {
	if err := m.flush(ctx); err != nil {
		return err
	}
	for len(m.waiting) > 0 {
		if err := m.collect(ctx); err != nil {
			return err
		}
	}
	clear(m.underWay)
	return nil
}

// collect waits for the oldest batch and reports it.
func (m *importer) collect(ctx context.Context) error {
	back := m.waiting[0]
	m.waiting = m.waiting[1:]
	select {
	case w := <-back:
		if w.err != nil {
			return w.err
		}
		for i := range w.lines {
			m.account(&w.lines[i], w.outcomes[i])
		}
		m.progress()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *importer) progress() {
	if m.options.Progress != nil {
		m.options.Progress(m.report.Created + m.report.Updated + m.report.Unchanged + m.report.Failed)
	}
}

// account books one line's outcome. What failed for a reference is kept for another try.
func (m *importer) account(l *line, o Outcome) {
	switch {
	case o.Err == nil:
		m.good(l, o)
		m.name(l, o)
	case lacksReference(o.Err):
		m.later = append(m.later, failed{*l, o.Err})
	default:
		m.bad(l, o.Err)
	}
}

// perform writes lines, then schedules what they schedule.
func (m *importer) perform(ctx context.Context, lines []line) ([]Outcome, error) {
	ops := make([]core.Operation, len(lines))
	for i := range lines {
		op, err := m.settle(ctx, lines[i].op)
		if err != nil {
			return nil, err
		}
		ops[i] = op
	}
	outcomes, err := m.to.Write(ctx, ops, m.options.DryRun)
	if err != nil || m.options.DryRun {
		return outcomes, err
	}
	return outcomes, m.schedule(ctx, lines, outcomes)
}

// settle decides an upsert by _id.
func (m *importer) settle(ctx context.Context, op core.Operation) (core.Operation, error) {
	op.Data = jsondoc.CloneObject(op.Data) // the report shows the line as it came, whatever a writer does with its data
	if op.Op != core.OperationUpsert || op.Match != "" {
		return op, nil
	}
	op.Op = core.OperationCreate
	if op.ID == "" {
		return op, nil
	}
	there, err := m.to.Has(ctx, op.Type, op.ID)
	if there {
		op.Op = core.OperationUpdate
	}
	return op, err
}

// schedule plans the transitions of the lines that went in, but for those already planned or done.
func (m *importer) schedule(ctx context.Context, lines []line, outcomes []Outcome) error {
	var ops []core.Operation
	var of []int
	for i := range lines {
		for _, op := range lines[i].schedule {
			if outcomes[i].Err == nil && !planned(outcomes[i], op) {
				op.ID = outcomes[i].ID
				ops, of = append(ops, op), append(of, i)
			}
		}
	}
	if len(ops) == 0 {
		return nil
	}
	scheduled, err := m.to.Write(ctx, ops, false)
	for j := range scheduled {
		o := &outcomes[of[j]]
		o.Changed = true
		if scheduled[j].Err != nil {
			o.Err = scheduled[j].Err
		}
	}
	return err
}

func planned(o Outcome, op core.Operation) bool {
	if op.Transition == "publish" && o.Published && !o.Changed {
		return true
	}
	for _, s := range o.Schedule {
		if s.Transition == op.Transition && s.At.Equal(op.At.Truncate(time.Millisecond)) {
			return true
		}
	}
	return false
}

// lacksReference reports that nothing is wrong with a line but that what it refers to is not there.
func lacksReference(err error) bool {
	e, ok := core.AsError(err)
	if !ok || len(e.Fields) == 0 {
		return false
	}
	for _, f := range e.Fields {
		if f.Keyword != "x-ref" && f.Keyword != "reference" && !strings.HasSuffix(f.Pointer, "/_slug") {
			return false
		}
	}
	return true
}
