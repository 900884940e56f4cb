package privacy

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// mostFound is how many entries a report lists of each kind.
const mostFound = 1_000

// inHistory is where a value stands that only earlier versions have.
const inHistory = "history"

// comment stands for the remark that came with a change, among the fields of a mention.
const comment = "_comment"

// Find implements core.Privacy.
func (s *Service) Find(ctx context.Context, who *core.Principal, q core.SubjectQuery) (*core.SubjectReport, error) {
	if err := s.permit(ctx, who, core.ActionRead); err != nil {
		return nil, err
	}
	f, err := s.find(ctx, q)
	if err != nil {
		return nil, err
	}
	r := f.report()
	return r, s.note(ctx, who, core.AuditSubject, len(r.Found), map[string]any{"mentions": len(r.Mentions)})
}

// finder looks for one subject.
type finder struct {
	*matcher
	s        *Service
	types    map[core.TypeName]*target
	found    hits
	mentions hits
}

// target is a type that is looked through.
type target struct {
	typ      *core.Type
	personal []string
}

// hits are entries in the order in which they were found.
type hits struct {
	order []*core.SubjectEntry
	byID  map[core.EntryID]*core.SubjectEntry
	more  bool
}

// add notes fields of an entry, and where they were found; nil when there are too many entries.
func (h *hits) add(t *core.Type, id core.EntryID, fields []string, in string) *core.SubjectEntry {
	e := h.byID[id]
	if e == nil {
		if h.more = len(h.order) >= mostFound; h.more {
			return nil
		}
		e = &core.SubjectEntry{Type: t.Name, ID: id, Fields: []string{}, In: []string{}}
		if h.byID == nil {
			h.byID = map[core.EntryID]*core.SubjectEntry{}
		}
		h.byID[id], h.order = e, append(h.order, e)
	}
	for _, f := range fields {
		e.Fields = with(e.Fields, f)
	}
	e.In = with(e.In, in)
	return e
}

func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (s *Service) find(ctx context.Context, q core.SubjectQuery) (*finder, error) {
	m, err := newMatcher(q.Text)
	if err != nil {
		return nil, err
	}
	f := &finder{matcher: m, s: s, types: map[core.TypeName]*target{}}
	if err := f.choose(q.Types); err != nil {
		return nil, err
	}
	for _, t := range s.Types.Types() {
		if f.types[t.Name] == nil {
			continue
		}
		if err := s.Catalog.Each(ctx, t.Name, "", func(e *core.Entry) error { return f.entry(t, e) }); err != nil {
			return nil, err
		}
	}
	return f, f.past(ctx)
}

// choose takes the types that were asked for; all but those that describe others when none was.
func (f *finder) choose(names []core.TypeName) error {
	for _, name := range names {
		if _, ok := f.s.Types.Type(name); !ok {
			return core.NoType(name)
		}
	}
	for _, t := range f.s.Types.Types() {
		if len(names) == 0 && t.Name != "_type" && t.Name != "_role" || slices.Contains(names, t.Name) {
			f.types[t.Name] = &target{t, personal(t)}
		}
	}
	return nil
}

// entry looks through what an entry is now.
func (f *finder) entry(t *core.Type, e *core.Entry) error {
	docs, err := documentsOf(e)
	if err != nil {
		return err
	}
	for _, v := range docs {
		own, others := f.look(f.types[t.Name], v.doc, false)
		if len(own) > 0 {
			title(f.found.add(t, e.ID, own, string(v.state)), t, docs)
		}
		if len(others) > 0 {
			title(f.mentions.add(t, e.ID, others, string(v.state)), t, docs)
		}
	}
	return nil
}

func title(to *core.SubjectEntry, t *core.Type, docs []version) {
	if to == nil || t.TitleField == "" || to.Title != "" {
		return
	}
	v, _ := jsondoc.Lookup(docs[0].doc, t.TitleField)
	to.Title, _ = v.(string)
}

// look gives the personal fields of a document that hold the subject, and the others that do. In a document of the past a
// field that the type does not have any more counts as personal.
func (f *finder) look(t *target, doc map[string]any, past bool) (own, others []string) {
	single := map[string][]string{} // texts of personal fields that are no lists
	eachText(doc, func(path, text string) {
		field, known := t.typ.Field(path)
		if known && field.Secret && field.Personal == nil {
			return
		}
		top := covering(t.personal, path)
		if top == "" && past && !known && !t.below(path) {
			top = path
		}
		switch {
		case f.in(text) && top != "":
			own = with(own, top)
		case f.in(text):
			others = with(others, path)
		case top != "" && known && !field.Multi:
			single[top] = append(single[top], text)
		}
	})
	if len(own) == 0 {
		own = f.parted(single)
	}
	slices.Sort(own)
	slices.Sort(others)
	return own, others
}

// below reports whether a path lies in a field that the type knows, whose inside it does not list.
func (t *target) below(path string) bool {
	for i := range t.typ.Fields {
		if f := &t.typ.Fields[i]; f.Kind != core.KindObject && within(f.Path, path) {
			return true
		}
	}
	return false
}

// parted finds a name whose words stand in several fields.
func (f *finder) parted(single map[string][]string) (fields []string) {
	var all []string
	for _, texts := range single {
		all = append(all, texts...)
	}
	if !f.across(all) {
		return nil
	}
	for path, texts := range single {
		if slices.ContainsFunc(f.words, func(word string) bool { return hasWord(texts, word) }) {
			fields = append(fields, path)
		}
	}
	return fields
}

func (f *finder) report() *core.SubjectReport {
	return &core.SubjectReport{Found: f.found.list(), Mentions: f.mentions.list(), More: f.found.more || f.mentions.more}
}

func (h *hits) list() []core.SubjectEntry {
	list := make([]core.SubjectEntry, len(h.order))
	for i, e := range h.order {
		list[i] = *e
	}
	return list
}
