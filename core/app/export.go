package app

import (
	"context"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/query"
	"github.com/palabre-cms/palabre/core/internal/read"
	"github.com/palabre-cms/palabre/core/internal/transfer"
)

// exporter implements core.Exporter: an export is a list, page by page, under the caller's right to export.
type exporter struct {
	*App
	key []byte // of cursors
}

var _ core.Exporter = (*exporter)(nil)

// exportAccess has the right to export decide on the entries of a type wherever the right to list them would.
type exportAccess struct {
	core.Access
	of core.TypeName
}

// Scope implements core.Access.
func (e exportAccess) Scope(ctx context.Context, p *core.Principal, t *core.Type, a core.Action) (*core.Scope, error) {
	if t.Name == e.of && a == core.ActionList {
		a = core.ActionExport
	}
	return e.Access.Scope(ctx, p, t, a)
}

// refused are parameters of a list that an export has no use for, or that would give out entries of other types with it.
var refused = [...]string{"after", "facets", "highlight", "include", "limit", "preview", "total"}

// Export implements core.Exporter.
func (x *exporter) Export(ctx context.Context, who *core.Principal, name core.TypeName, params url.Values) (*core.Export, error) {
	t, ok := x.types.Type(name)
	if !ok {
		return nil, core.NoType(name)
	}
	access := exportAccess{x.access, name}
	if _, err := access.Scope(ctx, who, t, core.ActionExport); err != nil {
		return nil, err
	}
	asked, format, err := exportParams(params)
	if err != nil {
		return nil, err
	}
	reader := read.New(x.readParts(access, query.New(x.types, access, x.key)))
	list := transfer.NewPages(t, asked, func(ctx context.Context, params url.Values) ([]byte, error) {
		now, err := x.access.Renew(ctx, who) // whose rights ended meanwhile gets no further page
		if err != nil {
			return nil, err
		}
		pending, err := reader.List(ctx, now, name, params)
		if err != nil {
			return nil, err
		}
		answer, err := pending.Answer(ctx)
		if err != nil {
			return nil, err
		}
		return answer.Body, nil
	})
	pages, err := firstOf(ctx, list)
	if err != nil {
		return nil, err
	}
	event := core.AuditEvent{Event: core.AuditExport, Type: name, Count: pages.total, Detail: detailOf(asked, format)}
	return &core.Export{Name: string(name) + "." + string(format), Kind: mediaType(format), Total: pages.total,
		Write: func(ctx context.Context, out io.Writer) error {
			o := transfer.ExportOptions{Type: t, Format: format, Locale: core.Locale(asked.Get("locale"))}
			_, err := x.audited(ctx, who, event, func() (int, error) { return transfer.Export(ctx, out, pages, o) })
			return err
		}}, nil
}

// exportParams takes out of a request's parameters what is the export's own; the list checks the rest.
func exportParams(params url.Values) (url.Values, Format, error) {
	for _, name := range refused {
		if params.Has(name) {
			return nil, "", badExport("An export takes no “"+name+"”: it gives all that the filter finds.", "Un export n’accepte pas « "+name+" » : il donne tout ce que le filtre trouve.")
		}
	}
	format, err := transfer.ParseFormat(params.Get("format"))
	if err != nil || len(params["format"]) > 1 {
		return nil, "", badExport("The format is jsonl or csv.", "Le format est jsonl ou csv.")
	}
	if format == "" {
		format = transfer.JSONLines
	}
	asked := maps.Clone(params)
	delete(asked, "format")
	if !asked.Has("sort") && !asked.Has("q") {
		asked.Set("sort", "_id")
	}
	return asked, format, nil
}

func badExport(en, fr string) error {
	return &core.Error{Code: core.CodeBadRequest, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

func mediaType(f Format) string {
	if f == transfer.CSV {
		return "text/csv; charset=utf-8"
	}
	return "application/jsonl; charset=utf-8"
}

// detailOf tells what was exported without repeating what was searched for, which may name somebody.
func detailOf(params url.Values, format Format) map[string]any {
	state := params.Get("state")
	if state == "" {
		state = string(core.StatePublished)
	}
	narrowed := slices.ContainsFunc(slices.Collect(maps.Keys(params)), func(name string) bool {
		return strings.HasPrefix(name, "filter") || slices.Contains([]string{"q", "bbox", "near", "within"}, name)
	})
	return map[string]any{"format": string(format), "state": state, "narrowed": narrowed}
}

// audited notes an export before anything of it is written and, where fewer or more entries were given out than was
// said, once more afterwards. An export that cannot be noted does not take place.
func (a *App) audited(ctx context.Context, who *core.Principal, e core.AuditEvent, write func() (int, error)) (int, error) {
	if err := a.trail.Note(ctx, who, e); err != nil {
		return 0, err
	}
	n, err := write()
	if n == e.Count && err == nil {
		return n, nil
	}
	e.Detail = maps.Clone(e.Detail)
	e.Detail["announced"], e.Detail["complete"] = e.Count, err == nil
	e.Count = n
	if noteErr := a.trail.Note(ctx, who, e); err == nil {
		err = noteErr
	}
	return n, err
}

// begun is pages of which the first was looked at, for the total.
type begun struct {
	transfer.Pages
	first []map[string]any
	total int
	given bool
}

func firstOf(ctx context.Context, pages transfer.Pages) (*begun, error) {
	docs, total, err := pages.Next(ctx)
	if err == io.EOF {
		err = nil
	}
	return &begun{Pages: pages, first: docs, total: total}, err
}

// Next implements transfer.Pages.
func (b *begun) Next(ctx context.Context) ([]map[string]any, int, error) {
	if b.given {
		return b.Pages.Next(ctx)
	}
	first := b.first
	b.given, b.first = true, nil
	return first, b.total, nil
}
