package read

import (
	"bytes"
	"context"
	"slices"
	"strings"
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
	state  core.State // in which it is shown
	held   uint64     // which of the scope's MoreFields hold for it
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

	variants map[variantKey]*shape // of entries that show more than others of their type

	single  [1]item // of an answer about one entry
	scratch *[]byte // what is written into, to be used again; nil where the answer is written in its place
}

func (r *Reader) writer(ctx context.Context, who *core.Principal, t *core.Type, a *core.Asked) *writer {
	x := r.writers.Get().(*writer)
	x.r, x.ctx, x.who, x.asked = r, ctx, who, a
	x.own = x.shape(t, a.Scope.In(a.State), a.State, newSelection(a.Fields), a.Include)
	return x
}

// shape makes the plan of a type's entries at a place in the answer.
func (x *writer) shape(t *core.Type, s *core.Scope, state core.State, fields *selection, include []core.Include) shape {
	sh := x.r.shape(t, s, state, fields, include, x.asked.RichText)
	sh.state, sh.include = state, include
	x.withLists(&sh, include, fields)
	return sh
}

// items prepares entries of one type: their language, the fields that are shown of each, and what plugins have to say.
func (x *writer) items(t *core.Type, s *core.Scope, state core.State, views []core.View) ([]item, error) {
	items := make([]item, len(views))
	for i := range views {
		var err error
		if items[i], err = x.item(t, &views[i]); err != nil {
			return nil, err
		}
		items[i].state = state
	}
	if err := x.holdMore(t, s.In(state), state, items); err != nil {
		return nil, err
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

// lackingFor is how long an answer is good that lacks what a plugin has to say.
const lackingFor = time.Second

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
		return core.OfHook(err)
	}
	if e.Lacking {
		x.until = earlier(x.until, x.r.Now().Add(lackingFor))
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
			return unquoted(t, v)
		}
	}
	return t.DefaultLocale()
}

// unquoted reads a language tag, which has nothing to escape.
func unquoted(t *core.Type, v []byte) core.Locale {
	if len(v) < 2 {
		return ""
	}
	tag := v[1 : len(v)-1]
	for _, l := range t.Locales {
		if string(l) == string(tag) {
			return l
		}
	}
	return core.Locale(tag)
}

// entry writes one entry. Its language is told before the document and stands at its end: most are in the type's first, and
// one that turns out to be in another is written anew.
func (x *writer) entry(b []byte, it *item, sh *shape) []byte {
	sh = x.variant(sh, it.held)
	start, spent, locale := len(b), x.spent, it.locale
	if locale == "" {
		locale = sh.t.DefaultLocale()
	}
	seeks := it.locale == "" && sh.show&showLocale != 0
	b, told := x.members(appendMembers(b, it.view, locale, sh), it.doc, sh.plan, it.extra, seeks)
	if own := unquoted(sh.t, told); seeks && told != nil && own != locale {
		x.spent = spent
		b, _ = x.members(appendMembers(b[:start], it.view, own, sh), it.doc, sh.plan, it.extra, false)
	}
	if it.extra != nil {
		b = appendExtra(b, it, sh)
	}
	if sh.lists != nil {
		b = x.appendLists(b, it, sh)
	}
	return append(b, '}')
}

// members writes the members of an object that are shown, each after a comma; those that stand together and are copied, at
// once. Those that a plugin replaces or takes out are passed over. It stops when nothing more is wanted, unless it seeks the
// language that the document tells, which it gives as it is written.
func (x *writer) members(b, doc []byte, p *plan, extra map[string]any, seeks bool) (out, told []byte) {
	from, to, left := 0, 0, len(p.members)
	for w := jsondoc.Walk(doc); w.Next(); {
		c := p.member(w.Name)
		if c.fate == whole && extra == nil {
			if from == 0 {
				from = w.From
			}
			to = w.To
		} else {
			b, from = appendRun(b, doc, from, to), 0
			if _, replaced := extra[w.Name]; !replaced {
				b = x.member(b, doc, &w, c)
			}
			if w.Name == core.DocLocale {
				told = doc[w.Value:w.To]
			}
		}
		if p.rest == leave && c.fate != leave {
			if left--; left == 0 && !seeks {
				break
			}
		}
	}
	return appendRun(b, doc, from, to), told
}

// appendRun copies members that stand together; from is 0 for none.
func appendRun(b, doc []byte, from, to int) []byte {
	if from == 0 {
		return b
	}
	return append(append(b, ','), doc[from:to]...)
}

func (x *writer) member(b, doc []byte, w *jsondoc.Walker, p *plan) []byte {
	if p.fate == leave {
		return b
	}
	b = append(append(b, ','), doc[w.From:w.Value]...)
	return x.value(b, doc[w.Value:w.To], p)
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
	b, _ = x.members(b, v, p, nil, false)
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

// finish makes the answer of what was written about items, and gives the writer and its scratch back: neither may be used
// afterwards.
func (x *writer) finish(b []byte, types []core.TypeName, items []item) *core.Answer {
	answer := &tagged{}
	answer.Body, answer.Tags, answer.Until = b, x.tags(answer.few[:0], types, items), earlier(x.until, x.r.nextDue(x.asked.State, types))
	if x.scratch != nil || cap(b)-len(b) > len(b)/4+perPage+perEntry*len(items) { // a cache keeps what is not used, too
		answer.Body = bytes.Clone(b)
	}
	x.r.giveBack(x, b)
	return &answer.Answer
}

// tagged is an answer with room for the tags of a single entry.
type tagged struct {
	core.Answer
	few [2]string
}

// tags names the types, the entries, and those that are embedded, sorted: equal answers have equal tags.
func (x *writer) tags(tags []string, types []core.TypeName, items []item) []string {
	tags = slices.Grow(tags, len(types)+len(items)+len(x.found))
	for _, t := range types {
		tags = append(tags, string(t))
	}
	size := 0
	for i := range items {
		size += len(items[i].view.Type) + 1 + len(items[i].view.ID)
	}
	var text strings.Builder // all in one: tags are many and short
	text.Grow(size)
	for i := range items {
		v, from := items[i].view, text.Len()
		text.WriteString(string(v.Type))
		text.WriteByte('/')
		text.WriteString(string(v.ID))
		tags = append(tags, text.String()[from:])
	}
	return append(tags, x.embeddedTags()...)
}

// embeddedTags are those of the entries that references led to, sorted.
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

const (
	largest  = 1 << 20 // the size of a buffer that is worth keeping
	perEntry = 288     // about what the system adds to an entry
	perPage  = 256     // and to a page of them
)

// begin gives the memory that an answer about items is written in. Where nearly all of the documents is shown it is as large
// as they are, and becomes the answer; else it is a scratch.
func (x *writer) begin(items []item, sh *shape) []byte {
	if sh != nil && sh.plan.rest == whole && !sh.gathers() && x.asked.RichText == "" {
		size := perPage
		for i := range items {
			size += perEntry + len(items[i].doc)
		}
		return make([]byte, 0, size)
	}
	x.scratch = x.r.scratches.Get().(*[]byte)
	return (*x.scratch)[:0]
}

func (r *Reader) giveBack(x *writer, b []byte) {
	if x.scratch != nil && cap(b) <= largest {
		*x.scratch = b[:0]
		r.scratches.Put(x.scratch)
	}
	*x = writer{}
	r.writers.Put(x)
}
