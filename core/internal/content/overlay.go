package content

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// overlay is a world with changes laid over another one: those of the operations before this one in a batch, or of
// the proposals that were accepted before this one in a group. It can be taken back to a mark.
type overlay struct {
	below   world
	changed map[core.EntryID]*held
	owners  map[claim]core.EntryID
	inbound map[core.EntryID]map[core.EntryID]bool // who refers to an entry
	keys    map[string]bool
	journal []undo
}

var _ world = (*overlay)(nil)

// held is an entry as it stands in an overlay, with what it lays claim to and refers to.
type held struct {
	typ    core.TypeName
	id     core.EntryID
	entry  *core.Entry // nil when purged
	claims []claim
	refs   []outgoing
}

// outgoing is one reference from an entry.
type outgoing struct {
	to    core.EntryID
	field string
	in    core.State
}

type undo struct {
	id     core.EntryID
	before *held
}

func newOverlay(below world) *overlay {
	return &overlay{below: below, changed: map[core.EntryID]*held{}, owners: map[claim]core.EntryID{},
		inbound: map[core.EntryID]map[core.EntryID]bool{}, keys: map[string]bool{}}
}

// put lays the state of an entry over what was there.
func (o *overlay) put(h *held) {
	o.journal = append(o.journal, undo{h.id, o.changed[h.id]})
	o.lay(h.id, h)
}

// mark and back take changes back: back(mark()) undoes what was put in between.
func (o *overlay) mark() int { return len(o.journal) }

func (o *overlay) back(mark int) {
	for len(o.journal) > mark {
		last := o.journal[len(o.journal)-1]
		o.journal = o.journal[:len(o.journal)-1]
		o.lay(last.id, last.before)
	}
}

func (o *overlay) lay(id core.EntryID, h *held) {
	if old := o.changed[id]; old != nil {
		o.lift(old)
	}
	if h == nil {
		delete(o.changed, id)
		return
	}
	o.changed[id] = h
	for _, c := range h.claims {
		o.owners[c] = id
	}
	for _, r := range h.refs {
		if o.inbound[r.to] == nil {
			o.inbound[r.to] = map[core.EntryID]bool{}
		}
		o.inbound[r.to][id] = true
	}
}

func (o *overlay) lift(h *held) {
	for _, c := range h.claims {
		if o.owners[c] == h.id {
			delete(o.owners, c)
		}
	}
	for _, r := range h.refs {
		delete(o.inbound[r.to], h.id)
	}
}

func (o *overlay) entry(ctx context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	h, ok := o.changed[id]
	if !ok {
		return o.below.entry(ctx, name, id)
	}
	if h.typ != name {
		return nil, nil
	}
	return h.entry, nil
}

func (o *overlay) rights() uint64 { return o.below.rights() }

func (o *overlay) holder(ctx context.Context, id core.EntryID) (core.TypeName, error) {
	h, ok := o.changed[id]
	switch {
	case !ok:
		return o.below.holder(ctx, id)
	case h.entry == nil:
		return "", nil
	}
	return h.typ, nil
}

func (o *overlay) present(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error) {
	h, ok := o.changed[id]
	if !ok {
		return o.below.present(ctx, name, id)
	}
	return h.typ == name && h.entry != nil && !h.entry.Trashed(), nil
}

func (o *overlay) owner(ctx context.Context, c claim) (core.EntryID, error) {
	if id, ok := o.owners[c]; ok {
		return id, nil
	}
	id, err := o.below.owner(ctx, c)
	if o.changed[id] != nil { // it let go: its claims would be among the owners
		return "", err
	}
	return id, err
}

func (o *overlay) referrers(ctx context.Context, id core.EntryID) ([]core.Reference, error) {
	refs, err := o.below.referrers(ctx, id)
	if err != nil {
		return nil, err
	}
	refs = slices.DeleteFunc(slices.Clone(refs), func(r core.Reference) bool { return o.changed[r.ID] != nil })
	for from := range o.inbound[id] {
		h := o.changed[from]
		for _, r := range h.refs {
			if r.to == id {
				refs = append(refs, core.Reference{Type: h.typ, ID: h.id, Field: r.field, In: []core.State{r.in}})
			}
		}
	}
	return refs, nil
}

func (o *overlay) sole(ctx context.Context, name core.TypeName) (core.EntryID, error) {
	for id, h := range o.changed {
		if h.typ == name && h.entry != nil && !h.entry.Trashed() {
			return id, nil
		}
	}
	id, err := o.below.sole(ctx, name)
	if o.changed[id] != nil {
		return "", err
	}
	return id, err
}

func (o *overlay) used(ctx context.Context, hash string) (bool, error) {
	if o.keys[hash] {
		return true, nil
	}
	return o.below.used(ctx, hash)
}

// holding works out what an entry lays claim to and refers to. An entry in the trash does neither.
func holding(t *core.Type, e *core.Entry) (*held, error) {
	h := &held{typ: e.Type, id: e.ID, entry: e}
	if e.Trashed() {
		return h, nil
	}
	for _, side := range []struct {
		doc core.Doc
		in  core.State
	}{{e.Latest(), core.StateDraft}, {e.Published, core.StatePublished}} {
		if side.doc == nil || (side.in == core.StatePublished && e.Draft == nil) {
			continue // nothing there, or the same document twice
		}
		if err := h.add(t, side.doc, side.in); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *held) add(t *core.Type, text core.Doc, in core.State) error {
	doc, err := jsondoc.ParseObject(text)
	if err != nil {
		return core.Wrap("content.holding", err)
	}
	h.claims = append(h.claims, claimsOf(t, doc)...)
	for _, f := range t.Refs() {
		for _, v := range everywhere(doc, f) {
			if id := refID(v); id != "" {
				h.refs = append(h.refs, outgoing{id, f.Path, in})
			}
		}
	}
	return nil
}

// claimsOf lists the values of a document that no other entry of the type may have.
func claimsOf(t *core.Type, doc map[string]any) []claim {
	var claims []claim
	for i := range t.Fields {
		f := &t.Fields[i]
		if !f.Unique || f.Path == t.SlugField {
			continue
		}
		for _, v := range everywhere(doc, f) {
			claims = append(claims, claim{Type: t.Name, Field: f.Path, Value: scalarText(v)})
		}
	}
	if slug := slugOf(t, doc); slug != "" {
		claims = append(claims, slugClaim(t, slug))
	}
	return claims
}

func slugClaim(t *core.Type, slug string) claim {
	return claim{Type: t.Name, Field: t.SlugField, Value: slug, Slug: true}
}

func slugOf(t *core.Type, doc map[string]any) string {
	if t.SlugField == "" {
		return ""
	}
	v, _ := jsondoc.Lookup(doc, t.SlugField)
	slug, _ := v.(string)
	return slug
}

// everywhere gives the values of a field in a document and in its translations.
func everywhere(doc map[string]any, f *core.Field) []any {
	values := jsondoc.Values(doc, f.Path)
	translations, _ := doc[core.DocTranslations].(map[string]any)
	for _, overlay := range translations {
		if in, ok := overlay.(map[string]any); ok {
			values = append(values, jsondoc.Values(in, f.Path)...)
		}
	}
	return values
}

// scalarText is how a unique value is looked up.
func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}
