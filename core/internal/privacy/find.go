package privacy

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// mostFound is how many entries a report lists of each kind.
const mostFound = 1_000

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
	standing map[core.EntryID]*standing
}

// target is a type that is looked through.
type target struct {
	typ      *core.Type
	personal []string
	past     []string // what is or was personal
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
		if len(h.order) >= mostFound {
			h.more = true
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
	f := &finder{matcher: m, s: s, types: map[core.TypeName]*target{}, standing: map[core.EntryID]*standing{}}
	if err := f.choose(ctx, q.Types); err != nil {
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
func (f *finder) choose(ctx context.Context, names []core.TypeName) error {
	for _, name := range names {
		if _, ok := f.s.Types.Type(name); !ok {
			return core.NoType(name)
		}
	}
	former, err := f.s.formerlyPersonal(ctx)
	for _, t := range f.s.Types.Types() {
		if len(names) == 0 && t.Name != "_type" && t.Name != "_role" || slices.Contains(names, t.Name) {
			own := personal(t)
			f.types[t.Name] = &target{t, own, topmost(slices.Concat(own, former[t.Name]))}
		}
	}
	return err
}

// entry looks through what an entry is now.
func (f *finder) entry(t *core.Type, e *core.Entry) error {
	docs, err := documentsOf(e)
	if err != nil {
		return err
	}
	for _, v := range docs {
		seen := f.look(f.types[t.Name], v.doc, f.types[t.Name].personal)
		if len(seen.own) > 0 {
			title(f.found.add(t, e.ID, seen.own, string(v.state)), t, docs)
		}
		if len(seen.others) > 0 {
			title(f.mentions.add(t, e.ID, seen.fields(), string(v.state)), t, docs)
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

// sight is what a document holds of the subject.
type sight struct {
	own    []string // personal fields
	others []spot   // places in other fields
}

// look finds the subject in a document of which some fields are personal.
func (f *finder) look(t *target, doc map[string]any, personal []string) (seen sight) {
	single := map[string][]string{} // texts of personal fields that are no lists
	eachText(doc, func(w words) {
		field, known := t.typ.Field(w.path)
		if known && field.Secret && field.Personal == nil || w.name && !t.open(w.path) {
			return
		}
		top := covering(personal, w.path)
		switch {
		case top != "" && f.in(w.text):
			seen.own = with(seen.own, top)
		case top != "" && known && !field.Multi && !w.name:
			single[top] = append(single[top], w.text)
		case top == "" && (f.in(w.text) || w.path == t.typ.SlugField && f.inSlug(w.text)):
			seen.others = append(seen.others, spot{slices.Clone(w.steps), t.nameable(doc, w.path), w.text})
		}
	})
	if len(seen.own) == 0 {
		seen.own = f.parted(single)
	}
	slices.Sort(seen.own)
	slices.SortFunc(seen.others, func(a, b spot) int { return slices.Compare(a.steps, b.steps) })
	return seen
}

// nameable gives the path by which an erasure reaches what stands at one: itself, or, where names are in it that no path can
// hold, of the field around it.
func (t *target) nameable(doc map[string]any, path string) string {
	for len(path) > longestPath || !fieldPath.MatchString(path) || len(spotsOf(doc, path)) == 0 {
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			break
		}
		path = path[:dot]
	}
	return path
}

// open reports whether the type leaves open what an object at a path holds, or has no such field any more.
func (t *target) open(path string) bool {
	for {
		if f, known := t.typ.Field(path); known {
			return f.Kind == core.KindJSON
		}
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return true
		}
		path = path[:dot]
	}
}

// fields are those of the other places, each once.
func (s *sight) fields() (list []string) {
	for _, at := range s.others {
		list = with(list, at.path)
	}
	return list
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
		slices.SortStableFunc(e.Past, func(a, b core.PastPlace) int { return cmp.Compare(a.Position, b.Position) })
		list[i] = *e
	}
	return list
}
