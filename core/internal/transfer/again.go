package transfer

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// failed is a line with what was wrong with it.
type failed struct {
	line
	cause error
}

// tryAgain writes the lines whose references were not there yet, as long as some more of them go in. What is left then
// refers in circles, or to nothing.
func (m *importer) tryAgain(ctx context.Context) error {
	for last := -1; len(m.later) > 0 && len(m.later) != last && !m.options.DryRun; {
		before := m.later
		last, m.later = len(before), nil
		if err := m.retake(ctx, before); err != nil {
			return err
		}
	}
	stuck := m.later
	m.later = nil
	return m.untie(ctx, stuck)
}

func (m *importer) retake(ctx context.Context, lines []failed) error {
	for i := range lines {
		if err := m.take(ctx, lines[i].line); err != nil {
			return err
		}
	}
	return m.finish(ctx)
}

// knot is a line that refers to what other lines would make, as it goes in without those references.
type knot struct {
	failed
	bare    core.Operation
	outcome Outcome
}

// untie makes entries that refer to each other: first without the references in question, then whole. Lines that refer
// to what is nowhere are bad.
func (m *importer) untie(ctx context.Context, stuck []failed) error {
	if len(stuck) == 0 {
		return nil
	}
	knots, err := m.knots(ctx, stuck)
	if err != nil {
		return err
	}
	inCircles := map[int]bool{}
	for i := range knots {
		inCircles[knots[i].number] = true
	}
	for i := range stuck {
		if !inCircles[stuck[i].number] {
			m.bad(&stuck[i].line, stuck[i].cause)
		}
	}
	if m.options.DryRun {
		for i := range knots {
			m.good(&knots[i].line, knots[i].outcome)
		}
		return nil
	}
	return m.make(ctx, knots)
}

// knots finds the lines all of whose missing references lead to other such lines, or to good ones.
func (m *importer) knots(ctx context.Context, stuck []failed) ([]knot, error) {
	list := make([]knot, len(stuck))
	for i := range stuck {
		list[i] = knot{failed: stuck[i], bare: bare(&stuck[i])}
	}
	if err := m.writeBare(ctx, list, true); err != nil {
		return nil, err
	}
	list = keep(list, func(k *knot) bool { return k.outcome.Err == nil && k.outcome.Created })
	for before := -1; before != len(list); {
		before = len(list)
		made := m.namesOf(list)
		list = keep(list, func(k *knot) bool { return missingOnly(&k.failed, made) })
	}
	return list, nil
}

func keep(list []knot, good func(*knot) bool) []knot {
	var kept []knot
	for i := range list {
		if good(&list[i]) {
			kept = append(kept, list[i])
		}
	}
	return kept
}

// bare is the operation without the references that lead nowhere yet, and so not to be published yet.
func bare(f *failed) core.Operation {
	op := f.op
	op.Data, op.Publish = jsondoc.CloneObject(op.Data), false
	e, _ := core.AsError(f.cause)
	for i := len(e.Fields) - 1; i >= 0; i-- { // from the end, so that places in lists stay right
		remove(op.Data, referencePointer(e.Fields[i].Pointer))
	}
	return op
}

// referencePointer leads to a reference, whatever member of it was complained of.
func referencePointer(pointer string) string {
	for _, member := range []string{"/_slug", "/_ref", "/_type"} {
		pointer = strings.TrimSuffix(pointer, member)
	}
	return pointer
}

// remove takes out what a pointer leads to; out of a list, that closes up.
func remove(doc map[string]any, pointer string) {
	parent, name := parentOf(doc, pointer)
	switch p := parent.(type) {
	case map[string]any:
		delete(p, name)
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i < len(p) {
			put(doc, pointer[:strings.LastIndexByte(pointer, '/')], slices.Delete(slices.Clone(p), i, i+1))
		}
	}
}

// put puts a value where a pointer leads to.
func put(doc map[string]any, pointer string, v any) {
	parent, name := parentOf(doc, pointer)
	switch p := parent.(type) {
	case map[string]any:
		p[name] = v
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i < len(p) {
			p[i] = v
		}
	}
}

func parentOf(doc map[string]any, pointer string) (parent any, name string) {
	cut := strings.LastIndexByte(pointer, '/')
	if cut < 0 {
		return nil, ""
	}
	parent = doc
	if cut > 0 {
		parent, _ = at(doc, pointer[:cut])
	}
	return parent, strings.NewReplacer("~1", "/", "~0", "~").Replace(pointer[cut+1:])
}

// namesOf gives what lines may be referred to by: "type/slug" and "type/identifier".
func (m *importer) namesOf(list []knot) map[string]bool {
	names := map[string]bool{}
	for name := range m.named {
		names[name] = true
	}
	for i := range list {
		for _, key := range namesOf(&list[i].line, list[i].outcome) {
			names[key] = true
		}
	}
	return names
}

func namesOf(l *line, o Outcome) []string {
	var names []string
	for _, key := range []string{o.Slug, string(l.op.ID)} {
		if key != "" {
			names = append(names, string(l.op.Type)+"/"+key)
		}
	}
	return names
}

func missingOnly(f *failed, made map[string]bool) bool {
	e, _ := core.AsError(f.cause)
	for _, field := range e.Fields {
		v, _ := at(f.op.Data, referencePointer(field.Pointer))
		ref, _ := v.(map[string]any)
		name, _ := ref["_type"].(string)
		slug, _ := ref["_slug"].(string)
		id, _ := ref["_ref"].(string)
		if (slug == "" || !made[name+"/"+slug]) && (id == "" || !made[name+"/"+id]) {
			return false
		}
	}
	return true
}

// name remembers, in a dry run, what a good line may be referred to by.
func (m *importer) name(l *line, o Outcome) {
	if m.named != nil {
		for _, key := range namesOf(l, o) {
			m.named[key] = true
		}
	}
}

// writeBare writes what goes in without the references.
func (m *importer) writeBare(ctx context.Context, list []knot, dryRun bool) error {
	return m.inBatches(len(list), func(from, to int) error {
		ops := make([]core.Operation, 0, to-from)
		for i := from; i < to; i++ {
			op, err := m.settle(ctx, list[i].bare)
			if err != nil {
				return err
			}
			ops = append(ops, op)
		}
		outcomes, err := m.to.Write(ctx, ops, dryRun)
		for i := range outcomes {
			list[from+i].outcome = outcomes[i]
		}
		return err
	})
}

// make writes the entries bare, and then whole.
func (m *importer) make(ctx context.Context, knots []knot) error {
	if err := m.writeBare(ctx, knots, false); err != nil {
		return err
	}
	return m.inBatches(len(knots), func(from, to int) error {
		var lines []line
		for i := from; i < to; i++ {
			whole := knots[i].line
			whole.op.Op, whole.op.ID, whole.op.Match = core.OperationUpdate, knots[i].outcome.ID, ""
			lines = append(lines, whole)
		}
		outcomes, err := m.perform(ctx, lines)
		for i := range outcomes {
			m.settleKnot(&knots[from+i], outcomes[i])
		}
		return err
	})
}

func (m *importer) settleKnot(k *knot, o Outcome) {
	switch {
	case k.outcome.Err != nil:
		m.bad(&k.line, k.outcome.Err)
	case o.Err != nil:
		m.bad(&k.line, o.Err)
	default:
		o.Created = true
		m.good(&k.line, o)
	}
}

func (m *importer) inBatches(n int, do func(from, to int) error) error {
	size, _ := m.to.Batch()
	for from := 0; from < n; from += size {
		if err := do(from, min(n, from+size)); err != nil {
			return err
		}
	}
	return nil
}
