package privacy

import (
	"context"
	"maps"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/computed"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// past is what the first reading of the log finds for erasures: where their entries were changed, and what is to be known again.
type past struct {
	s         *Service
	subjects  map[core.EntryID][]*subject
	erasures  map[*subject]*erasure
	positions map[core.Position]bool
}

// rewritePast reads the log twice: to learn what is to be erased and where, and to erase it there. Doing it again changes
// nothing.
func (s *Service) rewritePast(ctx context.Context, pending map[core.EntryID]*erasure) error {
	p := &past{s: s, subjects: map[core.EntryID][]*subject{}, erasures: map[*subject]*erasure{}, positions: map[core.Position]bool{}}
	last := core.Position(0)
	for _, x := range pending {
		last = max(last, x.first)
		for id, sub := range x.entries {
			p.subjects[id], p.erasures[sub] = append(p.subjects[id], sub), x
		}
	}
	if err := p.learnTypes(ctx); err != nil {
		return err
	}
	if err := s.eachCommit(ctx, last, p.learn); err != nil {
		return err
	}
	// What is known by the values of the fields goes before the fields: whoever goes on after an interruption needs them.
	for _, change := range []change{p.changeAround, p.changeDocuments} {
		for _, at := range slices.Sorted(maps.Keys(p.positions)) {
			if err := p.rewrite(ctx, at, change); err != nil {
				return err
			}
		}
	}
	return nil
}

// learnTypes adds what was personal under earlier schemas of the types to what is erased.
func (p *past) learnTypes(ctx context.Context) error {
	former, err := p.s.formerlyPersonal(ctx)
	for sub := range p.erasures {
		if sub.all {
			sub.fields = topmost(slices.Concat(sub.fields, former[sub.typ]))
		}
	}
	return err
}

// learn notes where entries were changed, and what their fields held.
func (p *past) learn(c *core.Commit) error {
	for i := range c.Changes {
		ch := &c.Changes[i]
		for _, sub := range p.subjects[ch.Entry] {
			if c.Position > sub.until {
				continue
			}
			p.positions[c.Position] = true
			if err := sub.names.add(ch, sub.fields); err != nil {
				return err
			}
		}
	}
	return nil
}

// change rewrites one change for one erasure and reports whether it is another now.
type change func(sub *subject, ch *core.Change) (did bool, err error)

// rewrite replaces what a commit says of the entries.
func (p *past) rewrite(ctx context.Context, at core.Position, change change) error {
	var touched map[*erasure]bool
	err := p.s.Log.Redact(ctx, at, func(changes []core.Change) ([]core.Change, error) {
		var err error
		if touched, err = p.changeAll(at, changes, change); err != nil || len(touched) == 0 {
			return nil, err
		}
		return changes, nil
	})
	if err != nil {
		return err
	}
	for x := range touched {
		x.commits[at] = true
	}
	return nil
}

// changeAll rewrites the changes of a commit and tells for which erasures. That by which an erasure itself put the new
// documents in place is as it should be.
func (p *past) changeAll(at core.Position, changes []core.Change, change change) (map[*erasure]bool, error) {
	touched := map[*erasure]bool{}
	for i := range changes {
		ch := &changes[i]
		for _, sub := range p.subjects[ch.Entry] {
			if at > sub.until || ch.Type != sub.typ || at == sub.until && ch.Action == core.ActionErase {
				continue
			}
			did, err := change(sub, ch)
			if err != nil {
				return nil, err
			}
			if did {
				touched[p.erasures[sub]] = true
			}
		}
	}
	return touched, nil
}

// changeAround takes away what is known by the values of the fields: remarks, slugs, and members that the type has no more.
func (p *past) changeAround(sub *subject, ch *core.Change) (did bool, err error) {
	if ch.Comment != "" && (sub.remark || sub.names.inRemark(ch.Comment)) {
		ch.Comment, did = "", true
	}
	if kept := sub.formerSlugs(ch.Meta.Slugs); len(kept) != len(ch.Meta.Slugs) {
		ch.Meta.Slugs, did = kept, true
	}
	t, known := p.s.Types.Type(sub.typ)
	if !known || sub.purge {
		return did, nil
	}
	docs, err := p.documents(sub, ch, func(doc map[string]any) {
		sub.replaceSlug(t, ch.Entry, doc)
		sub.dropUnknown(t, doc)
	})
	return did || docs, err
}

// changeDocuments takes the fields away.
func (p *past) changeDocuments(sub *subject, ch *core.Change) (did bool, err error) {
	t, known := p.s.Types.Type(sub.typ)
	return p.documents(sub, ch, func(doc map[string]any) {
		if sub.purge {
			clear(doc)
		}
		taken := false
		for _, path := range sub.fields {
			for _, at := range spotsOf(doc, path) {
				at.take(doc)
				taken = true
			}
		}
		if taken && known {
			computed.Clear(t, doc) // made from it, maybe
		}
		tidy(doc)
	})
}

// documents has f rewrite the documents of a change and reports whether any is another now. They need not fit their type,
// then or now.
func (p *past) documents(sub *subject, ch *core.Change, f func(doc map[string]any)) (did bool, err error) {
	for _, text := range []*core.Doc{&ch.Draft, &ch.Published} {
		if *text == nil || core.IsNull(*text) {
			continue
		}
		doc, err := jsondoc.ParseObject(*text)
		if err != nil {
			return false, core.Wrap("privacy.documents", err)
		}
		before := jsondoc.CloneObject(doc)
		if f(doc); !jsondoc.Equal(before, doc) {
			*text, did = p.encode(sub.typ, doc), true
		}
	}
	return did, nil
}

func (p *past) encode(name core.TypeName, doc map[string]any) core.Doc {
	if t, known := p.s.Types.Type(name); known {
		return t.Validator.Encode(doc)
	}
	return jsondoc.Encode(doc)
}

func (s *subject) formerSlugs(slugs []string) []string {
	if s.slugs || len(slugs) == 0 {
		return nil
	}
	return s.names.clean(slugs)
}

func (s *subject) replaceSlug(t *core.Type, id core.EntryID, doc map[string]any) {
	if t.SlugField == "" {
		return
	}
	for _, at := range spotsOf(doc, t.SlugField) {
		if slug, _ := at.value.(string); s.slugs || s.names.inSlug(slug) {
			at.put(doc, string(id))
		}
	}
}

// dropUnknown takes out members that the type does not have any more and that hold what is erased: a field that was renamed
// or dropped since.
func (s *subject) dropUnknown(t *core.Type, doc map[string]any) {
	translations, _ := doc[core.DocTranslations].(map[string]any)
	s.drop(t, "", doc)
	for _, overlay := range translations {
		s.drop(t, "", overlay)
	}
}

func (s *subject) drop(t *core.Type, path string, v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			s.drop(t, path, item)
		}
	case map[string]any:
		for name, inner := range v {
			s.dropMember(t, path, name, inner, v)
		}
	}
}

func (s *subject) dropMember(t *core.Type, above, name string, v any, in map[string]any) {
	if name == core.DocTranslations || name == core.DocLocale {
		return
	}
	path := name
	if above != "" {
		path = above + "." + name
	}
	f, known := t.Field(path)
	switch {
	case coveredBy(s.fields, path): // it goes with the fields, and is known by until then
	case known && f.Kind == core.KindObject, slices.ContainsFunc(s.fields, func(field string) bool { return within(path, field) }):
		s.drop(t, path, v)
	case !known && s.named(path, v):
		delete(in, name)
	}
}

// named reports whether a value holds what is erased.
func (s *subject) named(path string, v any) (found bool) {
	eachTextIn(v, path, nil, func(w words) { found = found || s.names.inText(w.text) })
	return found
}
