package transfer

import (
	"bufio"
	"context"
	"io"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// ExportOptions say what is exported, and how.
type ExportOptions struct {
	Type   *core.Type
	Format Format
	Locale core.Locale // of localised fields; "" writes documents as they are stored, translations beside
	// Progress is told how many entries are written, and of how many; nil tells nobody.
	Progress func(written, of int)
}

// Pages gives an export its entries, a page at a time, as documents with the system's members. It ends with io.EOF.
type Pages interface {
	Next(ctx context.Context) (docs []map[string]any, total int, err error)
}

// Export writes every entry that pages give and reports how many.
func Export(ctx context.Context, out io.Writer, pages Pages, o ExportOptions) (int, error) {
	buffered := bufio.NewWriterSize(out, 256<<10)
	w := newWriter(buffered, &o)
	n, err := exportAll(ctx, w, pages, &o)
	if err == nil {
		err = w.close()
	}
	if err == nil {
		err = buffered.Flush()
	}
	return n, err
}

func exportAll(ctx context.Context, w writer, pages Pages, o *ExportOptions) (n int, err error) {
	for {
		docs, total, err := pages.Next(ctx)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		for _, doc := range docs {
			if err := w.write(doc); err != nil {
				return n, err
			}
			n++
		}
		if o.Progress != nil {
			o.Progress(n, total)
		}
	}
}

// writer writes documents in a format.
type writer interface {
	write(doc map[string]any) error
	close() error
}

func newWriter(out *bufio.Writer, o *ExportOptions) writer {
	if o.Format == CSV {
		return newSheet(out, o.Type)
	}
	return &jsonWriter{out: out, names: documentOrder(o.Type)}
}

// jsonWriter writes one object a line, its members in the order of the type.
type jsonWriter struct {
	out   *bufio.Writer
	names []string
	line  []byte
}

func (w *jsonWriter) write(doc map[string]any) error {
	w.line = append(w.line[:0], '{')
	known := 0
	for _, name := range w.names {
		if v, ok := doc[name]; ok {
			w.member(name, v)
			known++
		}
	}
	if known < len(doc) {
		w.rest(doc)
	}
	w.line = append(w.line, '}', '\n')
	_, err := w.out.Write(w.line)
	return err
}

func (w *jsonWriter) member(name string, v any) {
	if len(w.line) > 1 {
		w.line = append(w.line, ',')
	}
	w.line = append(jsondoc.AppendString(w.line, name), ':')
	w.line = jsondoc.Append(w.line, v)
}

// rest writes the members that the type does not name, sorted.
func (w *jsonWriter) rest(doc map[string]any) {
	known := make(map[string]bool, len(w.names))
	for _, name := range w.names {
		known[name] = true
	}
	for _, name := range sortedKeys(doc) {
		if !known[name] {
			w.member(name, doc[name])
		}
	}
}

func (w *jsonWriter) close() error { return nil }

// systemNames are the system's members in the order in which they are written.
var systemNames = [...]string{"_id", "_type", "_status", "_publishAt", "_unpublishAt", core.DocLocale, "_rev", "_createdAt", "_updatedAt", "_publishedAt"}

// documentOrder gives the top-level names as they are written: the system's, the fields, the translations.
func documentOrder(t *core.Type) []string {
	names := systemNames[:len(systemNames):len(systemNames)]
	for i := range t.Fields {
		if top(t.Fields[i].Path) {
			names = append(names, t.Fields[i].Path)
		}
	}
	return append(names, core.DocTranslations)
}

// Query is a Pages over the catalog of this process.
type Query struct {
	catalog core.Catalog
	typ     *core.Type
	query   core.Query
	locale  core.Locale
	total   int
	done    bool
}

var _ Pages = (*Query)(nil)

// NewQuery exports what a query finds. Its Limit, After and Total are set here.
func NewQuery(catalog core.Catalog, t *core.Type, q core.Query) *Query {
	q.Limit, q.Total, q.After = 200, true, nil
	return &Query{catalog: catalog, typ: t, query: q, locale: q.Locale}
}

// Next gives the next page.
func (p *Query) Next(ctx context.Context) ([]map[string]any, int, error) {
	if p.done {
		return nil, 0, io.EOF
	}
	page, err := p.catalog.Query(ctx, p.query)
	if err != nil {
		return nil, 0, err
	}
	if p.query.Total {
		p.total, p.query.Total = page.Total, false
	}
	p.query.After, p.done = page.Next, page.Next == nil
	docs := make([]map[string]any, len(page.Views))
	for i := range page.Views {
		if docs[i], err = p.document(&page.Views[i]); err != nil {
			return nil, 0, err
		}
	}
	return docs, p.total, nil
}

// document puts the fields and the system's members of an entry together. Secret fields stay behind.
func (p *Query) document(v *core.View) (map[string]any, error) {
	doc, err := jsondoc.ParseObject(v.Doc)
	if err != nil {
		return nil, err
	}
	if p.locale != "" {
		var served core.Locale
		doc, served = p.typ.Localize(doc, p.locale)
		doc[core.DocLocale] = string(served)
	}
	hideSecrets(p.typ, doc)
	doc["_id"], doc["_type"], doc["_rev"] = string(v.ID), string(v.Type), v.Rev
	doc["_createdAt"], doc["_updatedAt"] = timeText(v.CreatedAt), timeText(v.UpdatedAt)
	if !v.PublishedAt.IsZero() {
		doc["_publishedAt"] = timeText(v.PublishedAt)
	}
	status(v, doc)
	return doc, nil
}

// status writes what an import needs to bring the entry to the same state. A state between draft and published is a
// draft there: the steps of a workflow are taken by people.
func status(v *core.View, doc map[string]any) {
	doc["_status"] = string(core.StatusDraft)
	if v.Status == core.StatusPublished {
		doc["_status"] = string(core.StatusPublished)
	}
	for _, s := range v.Schedule {
		switch s.Effect {
		case core.EffectPublish:
			doc["_status"], doc["_publishAt"] = "scheduled", timeText(s.At)
		case core.EffectUnpublish:
			doc["_unpublishAt"] = timeText(s.At)
		}
	}
}

func hideSecrets(t *core.Type, doc map[string]any) {
	for i := range t.Fields {
		if t.Fields[i].Secret {
			jsondoc.Delete(doc, t.Fields[i].Path)
		}
	}
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
