package read

import (
	"bytes"
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// item is an entry on its way into an answer.
type item struct {
	view   *core.View
	doc    []byte      // the document in the language that is served
	locale core.Locale // which that is; "" for a type without languages
	extra  map[string]any
}

// writer writes one answer.
type writer struct {
	r     *Reader
	ctx   context.Context
	who   *core.Principal
	asked *core.Asked
	own   *shape
	found map[refKey]*item // what references lead to; nil for what is not there or not to be seen
	spent int              // how often something was embedded
	tags  []string
}

func (r *Reader) writer(ctx context.Context, who *core.Principal, t *core.Type, a *core.Asked) *writer {
	return &writer{r: r, ctx: ctx, who: who, asked: a, own: r.shape(t, a.Scope, a.State, newSelection(a.Fields), a.Include, a.RichText)}
}

// items prepares entries of one type: their language, and what plugins have to say.
func (x *writer) items(t *core.Type, state core.State, views []core.View) ([]item, error) {
	items := make([]item, len(views))
	for i := range views {
		doc, locale, err := localised(t, views[i].Doc, x.asked.Locale)
		if err != nil {
			return nil, err
		}
		items[i] = item{view: &views[i], doc: doc, locale: locale}
	}
	return items, x.extras(t, state, views, items)
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

var reserved = [][]byte{[]byte(`"` + core.DocLocale + `":`), []byte(`"` + core.DocTranslations + `":`)}

// localised gives a document in a language. One that has no other language than its own is left as it is stored.
func localised(t *core.Type, doc []byte, want core.Locale) ([]byte, core.Locale, error) {
	if len(t.Locales) == 0 {
		return doc, "", nil
	}
	own := t.DefaultLocale()
	if bytes.Contains(doc, reserved[0]) {
		own = ownLocale(doc, own)
	}
	if want == "" || want == own || !bytes.Contains(doc, reserved[1]) {
		return doc, own, nil
	}
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		return nil, "", core.Wrap("read.localised", err)
	}
	out, served := t.Localize(m, want)
	if t.Validator == nil {
		return jsondoc.Encode(out), served, nil
	}
	return t.Validator.Encode(out), served, nil
}

func ownLocale(doc []byte, fallback core.Locale) core.Locale {
	for name, v := range jsondoc.Members(doc) {
		if name == core.DocLocale && len(v) > 2 {
			return core.Locale(v[1 : len(v)-1])
		}
	}
	return fallback
}

// entry writes one entry.
func (x *writer) entry(b []byte, it *item, sh *shape) []byte {
	b = appendMembers(b, it, sh)
	if it.extra == nil {
		b = x.members(b, it.doc, sh.plan)
	} else {
		b = appendExtra(x.otherMembers(b, it, sh), it, sh)
	}
	return append(b, '}')
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

// otherMembers leaves out what a plugin replaces or takes out.
func (x *writer) otherMembers(b []byte, it *item, sh *shape) []byte {
	for name, v := range jsondoc.Members(it.doc) {
		c := sh.plan.member(name)
		if _, replaced := it.extra[name]; replaced || c.fate == leave {
			continue
		}
		b = append(jsondoc.AppendString(append(b, ','), name), ':')
		b = x.value(b, v, c)
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

// finish makes the answer of what was written into a pooled buffer, which is given back.
func (x *writer) finish(buffer *[]byte, b []byte) *core.Answer {
	body := bytes.Clone(b)
	x.r.giveBack(buffer, b)
	types := typesOf(x.asked)
	tags := make([]string, 0, len(types)+len(x.tags)+len(x.found))
	for _, t := range types {
		tags = append(tags, string(t))
	}
	tags = append(append(tags, x.tags...), x.embeddedTags()...)
	return &core.Answer{Body: body, Tags: tags, Until: x.r.Catalog.NextDue(types...)}
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

func (r *Reader) buffer() *[]byte { return r.pool.Get().(*[]byte) }

func (r *Reader) giveBack(buffer *[]byte, b []byte) {
	if cap(b) <= largest {
		*buffer = b[:0]
		r.pool.Put(buffer)
	}
}
