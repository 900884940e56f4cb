package transfer

import (
	"context"

	"github.com/palabre-cms/palabre/core"
)

// failed is a line with what was wrong with it.
type failed struct {
	line
	cause error
}

// tryAgain writes the lines whose references were not there yet, as long as some more of them go in.
func (m *importer) tryAgain(ctx context.Context) error {
	for len(m.later) > 0 {
		before := m.later
		m.later = nil
		if m.options.DryRun {
			m.judge(before)
			return nil
		}
		if err := m.retake(ctx, before); err != nil {
			return err
		}
		if len(m.later) == len(before) {
			break
		}
	}
	for i := range m.later {
		m.bad(&m.later[i].line, m.later[i].cause)
	}
	return nil
}

func (m *importer) retake(ctx context.Context, lines []failed) error {
	for i := range lines {
		if err := m.take(ctx, lines[i].line); err != nil {
			return err
		}
	}
	return m.finish(ctx)
}

// judge settles, in a dry run, the lines that lack references: they are good when other lines would have made them.
func (m *importer) judge(lines []failed) {
	for i := range lines {
		if m.allNamed(&lines[i]) {
			m.report.add(Outcome{Created: true})
		} else {
			m.bad(&lines[i].line, lines[i].cause)
		}
	}
}

func (m *importer) allNamed(f *failed) bool {
	e, _ := core.AsError(f.cause)
	for _, field := range e.Fields {
		v, _ := at(f.op.Data, field.Pointer)
		ref, _ := v.(map[string]any)
		slug, _ := ref["_slug"].(string)
		name, _ := ref["_type"].(string)
		if slug == "" || !m.named[name+"/"+slug] {
			return false
		}
	}
	return true
}

// name remembers, in a dry run, what a good line may be referred to by.
func (m *importer) name(l *line, o Outcome) {
	if m.named != nil && o.Slug != "" {
		m.named[string(l.op.Type)+"/"+o.Slug] = true
	}
}
