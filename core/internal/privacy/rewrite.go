package privacy

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/palabre-cms/palabre/core"
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
	for _, at := range slices.Sorted(maps.Keys(p.positions)) {
		if err := p.rewrite(ctx, at); err != nil {
			return err
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

// rewrite replaces what a commit says of the entries.
func (p *past) rewrite(ctx context.Context, at core.Position) error {
	commits, err := p.s.Log.Read(ctx, at, 1)
	if err != nil || len(commits) == 0 {
		return errors.Join(err, core.Errorf(core.CodeUnavailable, "the commit %d cannot be read", at))
	}
	changes := slices.Clone(commits[0].Changes)
	touched := map[*erasure]bool{}
	for i := range changes {
		for _, sub := range p.subjects[changes[i].Entry] {
			did, err := p.change(sub, at, &changes[i])
			if err != nil {
				return err
			}
			if did {
				touched[p.erasures[sub]] = true
			}
		}
	}
	if len(touched) == 0 {
		return nil
	}
	for x := range touched {
		x.commits++
	}
	return p.s.Log.Redact(ctx, at, changes)
}

// change rewrites one change for one erasure and reports whether it is another now. The change by which the erasure itself put
// the new documents in place is as it should be.
func (p *past) change(sub *subject, at core.Position, ch *core.Change) (did bool, err error) {
	if at > sub.until || ch.Type != sub.typ || at == sub.until && ch.Action == core.ActionErase {
		return false, nil
	}
	if ch.Comment != "" && (sub.remark || sub.names.inRemark(ch.Comment)) {
		ch.Comment, did = "", true
	}
	if kept := sub.formerSlugs(ch.Meta.Slugs); len(kept) != len(ch.Meta.Slugs) {
		ch.Meta.Slugs, did = kept, true
	}
	for _, doc := range []*core.Doc{&ch.Draft, &ch.Published} {
		if *doc == nil || core.IsNull(*doc) {
			continue
		}
		next, err := p.document(sub, ch.Entry, *doc)
		if err != nil {
			return false, err
		}
		if !bytes.Equal(next, *doc) {
			*doc, did = next, true
		}
	}
	return did, nil
}

func (s *subject) formerSlugs(slugs []string) []string {
	if s.slugs || len(slugs) == 0 {
		return nil
	}
	return s.names.clean(slugs)
}

// document rewrites one document of the past. It need not fit its type, then or now.
func (p *past) document(sub *subject, id core.EntryID, text core.Doc) (core.Doc, error) {
	if sub.purge {
		return core.Doc("{}"), nil
	}
	doc, err := jsondoc.ParseObject(text)
	if err != nil {
		return nil, core.Wrap("privacy.document", err)
	}
	before := jsondoc.CloneObject(doc)
	for _, path := range sub.fields {
		for _, at := range spotsOf(doc, path) {
			at.take(doc)
		}
	}
	tidy(doc)
	t, known := p.s.Types.Type(sub.typ)
	if known {
		sub.replaceSlug(t, id, doc)
		sub.dropUnknown(t, doc)
	}
	switch {
	case jsondoc.Equal(before, doc):
		return text, nil
	case known:
		return t.Validator.Encode(doc), nil
	}
	return jsondoc.Encode(doc), nil
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
	case known && f.Kind == core.KindObject:
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
