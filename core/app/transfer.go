package app

import (
	"context"
	"io"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/transfer"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// What an import is made of: see package transfer.
type (
	ImportOptions = transfer.ImportOptions
	ImportReport  = transfer.Report
	BadLine       = transfer.BadLine
	Mapping       = transfer.Mapping
	Format        = transfer.Format
)

// ParseFormat reads the name of a format: jsonl or csv.
func ParseFormat(s string) (Format, error) { return transfer.ParseFormat(s) }

// FormatOf tells a format by a file's name, "" when that does not say.
func FormatOf(name string) Format { return transfer.FormatOf(name) }

// ParseMapping reads a mapping file.
func ParseMapping(data []byte) (*Mapping, error) { return transfer.ParseMapping(data) }

// ExportOptions say what is exported.
type ExportOptions struct {
	Type     core.TypeName
	Format   Format
	State    core.State
	Filter   string // a filter tree in JSON, "" for all
	Locale   core.Locale
	Progress func(written, of int)
}

// Import writes the entries of an input as the system. A line that cannot be taken is told to o.Bad and counted.
func (a *App) Import(ctx context.Context, in io.Reader, o ImportOptions) (*ImportReport, error) {
	o.Types = a.types
	to := &transfer.Local{Content: a.content, Catalog: a.catalog, Types: a.types, As: core.System, Retry: 10 * time.Second}
	return transfer.Import(ctx, in, to, o)
}

// Export writes the entries of a type and reports how many.
func (a *App) Export(ctx context.Context, out io.Writer, o ExportOptions) (int, error) {
	t, err := typeNamed(a.types, o.Type)
	if err != nil {
		return 0, err
	}
	q := core.Query{Type: t.Name, State: o.State, Locale: o.Locale, Sort: []core.SortKey{{Path: core.Path{Field: "_id"}}}}
	if q.Where, err = a.where(ctx, t, o.Filter); err != nil {
		return 0, err
	}
	pages, err := firstOf(ctx, transfer.NewQuery(a.catalog, t, q))
	if err != nil {
		return 0, err
	}
	event := core.AuditEvent{Event: core.AuditExport, Type: t.Name, Count: pages.total,
		Detail: map[string]any{"format": string(o.format()), "state": string(o.State), "narrowed": o.Filter != ""}}
	return a.audited(ctx, core.System, event, func() (int, error) { return transfer.Export(ctx, out, pages, o.of(t)) })
}

// format is the one that an export without one has.
func (o ExportOptions) format() Format {
	if o.Format == "" {
		return transfer.JSONLines
	}
	return o.Format
}

func (o ExportOptions) of(t *core.Type) transfer.ExportOptions {
	return transfer.ExportOptions{Type: t, Format: o.Format, Locale: o.Locale, Progress: o.Progress}
}

func (a *App) where(ctx context.Context, t *core.Type, filter string) (core.Node, error) {
	if filter == "" {
		return nil, nil
	}
	tree, err := jsondoc.Decode([]byte(filter), jsondoc.Default)
	if err != nil {
		return nil, err
	}
	return a.queries.ParseWhere(ctx, core.System, t, tree)
}

func typeNamed(types core.Types, name core.TypeName) (*core.Type, error) {
	t, ok := types.Type(name)
	if !ok {
		return nil, core.Errorf(core.CodeNotFound, "There is no type %s. palabre types list shows those that there are.", name)
	}
	return t, nil
}
