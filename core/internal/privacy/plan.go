package privacy

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// mostEntries is how many entries one erasure takes.
const mostEntries = 500

// plan is what is going to be done to one entry.
type plan struct {
	core.ErasureEntry
	all      bool // every personal field, as nobody named any
	along    bool // goes with another, and is not told
	typ      *core.Type
	old      *core.Entry // nil for an entry that is gone: only its past is left
	next     core.Migrated
	replaced []core.ReplacedField
	wrong    *core.Failure
}

var fieldPath = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$`)

// longestPath is how long the path of a field may be, as the record of an erasure has it.
const longestPath = 300

// check refuses what cannot be meant.
func (s *Service) check(r core.Erasure) error {
	switch {
	case len(r.Entries) == 0 || len(r.Entries) > mostEntries:
		return core.Refuse(core.CodeInvalid, "", "Name 1 to 500 entries to erase from.", "Indiquez de 1 à 500 contenus à effacer.")
	case strings.TrimSpace(r.Reason) == "" || len([]rune(r.Reason)) > 500:
		return core.Refuse(core.CodeInvalid, "", "Give the reason of the erasure, naming nobody: 1 to 500 characters.",
			"Indiquez le motif de l’effacement, sans nommer personne : de 1 à 500 caractères.")
	}
	seen := map[core.EntryID]bool{}
	for _, e := range r.Entries {
		if seen[e.ID] {
			return core.Refuse(core.CodeInvalid, "", "An entry is named twice: name each once, with all its fields.", "Un contenu est nommé deux fois : nommez chacun une fois, avec tous ses champs.")
		}
		seen[e.ID] = true
		if err := s.checkEntry(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) checkEntry(e core.ErasureEntry) error {
	if _, ok := s.Types.Type(e.Type); !ok {
		return core.NoType(e.Type)
	}
	if !core.ValidID(string(e.ID)) {
		return core.Refuse(core.CodeInvalid, "", "An entry to erase has no identifier.", "Un contenu à effacer n’a pas d’identifiant.")
	}
	if e.Type == record || e.Type == "_audit" || e.Type == "_type" {
		return core.Refuse(core.CodeInvalid, "", "Types, the audit and erasures themselves cannot be erased.", "Les types, le journal et les effacements eux-mêmes ne peuvent pas être effacés.")
	}
	if e.Fields != nil && len(e.Fields) == 0 {
		return core.Refuse(core.CodeInvalid, "", "Name the fields to erase, or leave “fields” out for all that are personal.",
			"Nommez les champs à effacer, ou omettez « fields » pour tous ceux qui sont personnels.")
	}
	if e.Purge && (e.Fields != nil || e.Past) {
		return core.Refuse(core.CodeInvalid, "", "A purge takes the whole entry: leave “fields” and “past” out.", "La purge emporte le contenu entier : omettez « fields » et « past ».")
	}
	for _, path := range e.Fields {
		if path != comment && (len(path) > longestPath || !fieldPath.MatchString(path)) {
			return core.Refuse(core.CodeInvalid, "", "A field to erase is named by its path, as contact.email.", "Un champ à effacer se nomme par son chemin, comme contact.email.")
		}
	}
	return nil
}

// plan works out what becomes of each entry. One that has never existed gives CodeNotFound, a field that an entry has never
// had CodeInvalid.
func (s *Service) plan(ctx context.Context, entries []core.ErasureEntry) ([]*plan, error) {
	plans := make([]*plan, len(entries))
	for i, e := range entries {
		p, err := s.planEntry(ctx, e)
		if err != nil {
			return nil, err
		}
		plans[i] = p
	}
	if err := s.settleDoubts(ctx, plans); err != nil {
		return nil, err
	}
	sessions, err := s.sessionsOf(ctx, plans)
	return append(plans, sessions...), err
}

func (s *Service) planEntry(ctx context.Context, e core.ErasureEntry) (*plan, error) {
	t, ok := s.Types.Type(e.Type)
	if !ok {
		return nil, core.NoType(e.Type)
	}
	p := &plan{ErasureEntry: e, all: e.Fields == nil && !e.Purge, typ: t}
	if p.Fields = topmost(e.Fields); p.all {
		p.Fields = personal(t)
	}
	old, err := s.Catalog.Entry(ctx, e.Type, e.ID)
	if core.CodeOf(err) == core.CodeNotFound {
		return p, nil
	}
	if p.old = old; err != nil || e.Purge {
		return p, err
	}
	return p, s.rewritten(ctx, p)
}

// rewritten works out the new documents of an entry.
func (s *Service) rewritten(ctx context.Context, p *plan) error {
	docs, err := documentsOf(p.old)
	if err != nil {
		return err
	}
	slug, err := s.slugFor(ctx, p, docs)
	if err != nil {
		return err
	}
	if p.Past {
		p.next.Draft, p.next.Published = p.old.Draft, p.old.Published
		return nil
	}
	for _, v := range docs {
		after, replaced, wrong := anonymise(p.typ, p.ID, v.doc, p.Fields, slug)
		if wrong != nil {
			p.wrong = &core.Failure{ID: p.ID, In: v.state, Errors: wrong}
			return nil
		}
		p.replace(replaced)
		p.endAccount(after)
		if text := p.typ.Validator.Encode(after); v.state == core.StatePublished || p.old.Draft == nil {
			p.next.Published = text
		} else {
			p.set(text)
		}
	}
	return nil
}

// set puts the next document where there is one: a draft before what is published.
func (p *plan) set(text core.Doc) {
	if p.next.Draft == nil {
		p.next.Draft = text
		return
	}
	p.next.Published = text
}

func (p *plan) replace(fields []string) {
	for _, f := range fields {
		r := core.ReplacedField{Type: p.Type, ID: p.ID, Field: f}
		if !slices.Contains(p.replaced, r) {
			p.replaced = append(p.replaced, r)
		}
	}
}

// slugFor gives the new slug of an entry, "" where it may keep its own, and sees to its former ones.
func (s *Service) slugFor(ctx context.Context, p *plan, docs []version) (string, error) {
	if p.typ.SlugField == "" || len(p.Fields) == 0 {
		p.next.Slugs = p.old.Slugs
		return "", nil
	}
	if slugFalls(p.typ, p.Fields) {
		return string(p.ID), nil
	}
	names, err := s.namesOf(ctx, p)
	if err != nil {
		return "", err
	}
	p.next.Slugs = names.clean(p.old.Slugs)
	for _, v := range docs {
		for _, at := range spotsOf(v.doc, p.typ.SlugField) {
			if text, _ := at.value.(string); names.inSlug(text) {
				return string(p.ID), nil
			}
		}
	}
	return "", nil
}

// namesOf gathers what the fields hold now and have held, for the slugs that were made of it.
func (s *Service) namesOf(ctx context.Context, p *plan) (*names, error) {
	found := &names{}
	return found, s.eachRevision(ctx, p.ID, func(ch *core.Change) error { return found.add(ch, p.Fields) })
}

// operation is what makes a plan true; none for an entry that is gone.
func (p *plan) operation() (core.Operation, bool) {
	switch {
	case p.old == nil:
		return core.Operation{}, false
	case p.Purge:
		return core.Operation{Op: core.OperationPurge, Type: p.Type, ID: p.ID, IfMatch: p.old.Rev}, true
	}
	next := p.next
	return core.Operation{Op: core.OperationErase, Type: p.Type, ID: p.ID, IfMatch: p.old.Rev, Migrate: &next}, true
}
