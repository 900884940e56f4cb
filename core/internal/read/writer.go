package read

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// item is an entry on its way into an answer.
type item struct {
	view   *core.View
	doc    []byte      // the document in the language that is served
	locale core.Locale // which that is; "" for the document's own
	extra  map[string]any
}

// writer writes one answer.
type writer struct {
	r     *Reader
	ctx   context.Context
	who   *core.Principal
	asked *core.Asked
	own   shape
	found map[refKey]*item // what references lead to; nil for what is not there or not to be seen

	listings map[listKey]*listing
	looked   int       // how many documents were looked up to be embedded
	queries  int       // how often it was asked what refers to an entry
	spent    int       // how often something was embedded
	until    time.Time // when one of the listings changes by itself
	tags     []string
	*scratch
}

// scratch is the memory that an answer is made in. It is used again for the next one.
type scratch struct {
	b     []byte
	spans []span
}

// span is one member of a document.
type span struct {
	name  string
	value []byte
}

func (r *Reader) writer(ctx context.Context, who *core.Principal, t *core.Type, a *core.Asked) *writer {
	x := &writer{r: r, ctx: ctx, who: who, asked: a}
	x.own = x.shape(t, a.Scope, a.State, newSelection(a.Fields), a.Include)
	return x
}

// shape makes the plan of a type's entries at a place in the answer.
func (x *writer) shape(t *core.Type, s *core.Scope, state core.State, fields *selection, include []core.Include) shape {
	sh := x.r.shape(t, s, state, fields, include, x.asked.RichText)
	x.withLists(&sh, include, fields)
	return sh
}

// items prepares entries of one type: their language, and what plugins have to say.
func (x *writer) items(t *core.Type, state core.State, views []core.View) ([]item, error) {
	items := make([]item, len(views))
	for i := range views {
		var err error
		if items[i], err = x.item(t, &views[i]); err != nil {
			return nil, err
		}
	}
	return items, x.extras(t, state, views, items)
}

// item leaves a document as it is stored unless another language is wanted.
func (x *writer) item(t *core.Type, v *core.View) (it item, err error) {
	it = item{view: v, doc: v.Doc}
	if x.asked.Locale != "" && t.HasLocale(x.asked.Locale) {
		it.doc, it.locale, err = localised(t, v.Doc, x.asked.Locale)
	}
	return it, err
}

// extras asks the plugins, once for all entries of a type.
func (x *writer) extras(t *core.Type, state core.State, views []core.View, items []item) error {
	if x.r.Hooks.EntryRead.Empty() || len(views) == 0 {
		return nil
	}
	e := &core.ReadEvent{Name: "entry.read", Actor: x.who, Type: t, State: state, Views: views, Extra: make([]map[string]any, len(views))}
	for i := range e.Extra {
		e.Extra[i] = map[string]any{}
	}
	if err := x.r.Hooks.EntryRead.Run(x.ctx, e, func(context.Context) error { return nil }); err != nil {
		return err
	}
	for i := range min(len(items), len(e.Extra)) {
		items[i].extra = e.Extra[i]
	}
	return nil
}

var translated = []byte(`"` + core.DocTranslations + `":`)

// localised gives a document in a language. One that has no other language than its own is left as it is stored.
func localised(t *core.Type, doc []byte, want core.Locale) ([]byte, core.Locale, error) {
	own := ownLocale(t, doc)
	if want == own || !bytes.Contains(doc, translated) {
		return doc, own, nil
	}
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		return nil, "", core.Wrap("read.localised", err)
	}
	out, served := t.Localize(m, want)
	return t.Validator.Encode(out), served, nil
}

func ownLocale(t *core.Type, doc []byte) core.Locale {
	for name, v := range jsondoc.Members(doc) {
		if name == core.DocLocale {
			return unquoted(v)
		}
	}
	return t.DefaultLocale()
}

// unquoted reads a language tag, which has nothing to escape.
func unquoted(v []byte) core.Locale {
	if len(v) < 2 {
		return ""
	}
	return core.Locale(v[1 : len(v)-1])
}

// entry writes one entry. Its members are found first, since their language is told before them.
func (x *writer) entry(b []byte, it *item, sh *shape) []byte {
	from := len(x.spans)
	locale := sh.t.DefaultLocale()
	for name, v := range jsondoc.Members(it.doc) {
		x.spans = append(x.spans, span{name, v})
		if name == core.DocLocale {
			locale = unquoted(v)
		}
	}
	if it.locale != "" {
		locale = it.locale
	}
	b = appendMembers(b, it.view, locale, sh)
	b = x.spansFrom(b, from, it.extra, sh.plan)
	if it.extra != nil {
		b = appendExtra(b, it, sh)
	}
	if sh.lists != nil {
		b = x.appendLists(b, it, sh)
	}
	return append(b, '}')
}

// spansFrom writes the members found since a mark and forgets them. Those that a plugin replaces or takes out are
// passed over. (Embedding another entry may move x.spans, so it is indexed anew for each.)
func (x *writer) spansFrom(b []byte, from int, extra map[string]any, p *plan) []byte {
	for i, to := from, len(x.spans); i < to; i++ {
		s := x.spans[i]
		c := p.member(s.name)
		if c.fate == leave {
			continue
		}
		if _, replaced := extra[s.name]; replaced {
			continue
		}
		b = append(jsondoc.AppendString(append(b, ','), s.name), ':')
		if c.fate == whole {
			b = append(b, s.value...)
		} else {
			b = x.value(b, s.value, c)
		}
	}
	x.spans = x.spans[:from]
	return b
}

// members writes the members of an object that are shown, each after a comma.
func (x *writer) members(b []byte, doc []byte, p *plan) []byte {
	for name, v := range jsondoc.Members(doc) {
		c := p.member(name)
		if c.fate == leave {
			continue
		}
		b = append(jsondoc.AppendString(append(b, ','), name), ':')
		if c.fate == whole {
			b = append(b, v...)
		} else {
			b = x.value(b, v, c)
		}
	}
	return b
}

// value writes a value by its plan, through arrays.
func (x *writer) value(b, v []byte, p *plan) []byte {
	if len(v) > 0 && v[0] == '[' && p.fate != whole {
		return x.array(b, v, p)
	}
	switch p.fate {
	case whole:
		return append(b, v...)
	case embed:
		return x.reference(b, v, p.target)
	case render:
		return appendRichText(b, v, x.asked.RichText)
	}
	if len(v) == 0 || v[0] != '{' {
		return append(b, "null"...) // not an object, where one with hidden members was
	}
	start := len(b)
	b = x.members(b, v, p)
	if len(b) == start {
		return append(b, "{}"...)
	}
	b[start] = '{' // the first comma
	return append(b, '}')
}

func (x *writer) array(b, v []byte, p *plan) []byte {
	b = append(b, '[')
	first := true
	for e := range jsondoc.Elements(v) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = x.value(b, e, p)
	}
	return append(b, ']')
}

func (x *writer) tag(v *core.View) {
	x.tags = append(x.tags, string(v.Type)+"/"+string(v.ID))
}

// finish makes the answer of what was written, and gives the scratch back.
func (x *writer) finish(b []byte, types []core.TypeName) *core.Answer {
	body := bytes.Clone(b)
	x.r.giveBack(x.scratch, b)
	tags := make([]string, 0, len(types)+len(x.tags)+len(x.found))
	for _, t := range types {
		tags = append(tags, string(t))
	}
	tags = append(append(tags, x.tags...), x.embeddedTags()...)
	return &core.Answer{Body: body, Tags: tags, Until: earlier(x.until, x.r.nextDue(x.asked.State, types))}
}

// embeddedTags are those of the entries that references led to, sorted: equal answers have equal tags.
func (x *writer) embeddedTags() []string {
	var tags []string
	for key, it := range x.found {
		if it != nil {
			tags = append(tags, string(key.t)+"/"+string(key.id))
		}
	}
	slices.Sort(tags)
	return tags
}

// largest is the size of a buffer that is worth keeping.
const largest = 1 << 20

// begin takes a scratch; the answer is written from its beginning.
func (x *writer) begin() []byte {
	x.scratch = x.r.pool.Get().(*scratch)
	return x.b[:0]
}

func (r *Reader) giveBack(s *scratch, b []byte) {
	if cap(b) > largest {
		return
	}
	s.b = b[:0]
	clear(s.spans[:cap(s.spans)]) // documents are not to be kept alive
	r.pool.Put(s)
}
