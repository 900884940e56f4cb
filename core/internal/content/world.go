package content

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// world answers what a write depends on: the catalog, or the catalog with changes laid over it that no commit
// holds yet.
type world interface {
	// entry gives an entry's whole state, trash included; nil when there is none.
	entry(ctx context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error)
	// present reports whether an entry exists outside the trash.
	present(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error)
	// owner gives the entry that holds a claim; "" when it is free.
	owner(ctx context.Context, c claim) (core.EntryID, error)
	// referrers lists where an entry is referred to from outside the trash.
	referrers(ctx context.Context, id core.EntryID) ([]core.Reference, error)
	// sole gives an entry of a type outside the trash, "" when it has none.
	sole(ctx context.Context, name core.TypeName) (core.EntryID, error)
	// used reports whether an idempotency key has made a commit.
	used(ctx context.Context, hash string) (bool, error)
}

// claim is a value that one entry of a type at most may hold: of a unique field, or a slug.
type claim struct {
	Type  core.TypeName
	Field string
	Value string
	Slug  bool
}

// maxReferrers bounds how many entries one deletion may look at and change.
const maxReferrers = 1_000

// catalogWorld is the catalog alone.
type catalogWorld struct{ catalog core.Catalog }

var _ world = catalogWorld{}

func (w catalogWorld) entry(ctx context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	e, err := w.catalog.Entry(ctx, name, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, nil
	}
	return e, err
}

func (w catalogWorld) present(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error) {
	e, err := w.entry(ctx, name, id)
	return e != nil && !e.Trashed(), err
}

func (w catalogWorld) owner(ctx context.Context, c claim) (core.EntryID, error) {
	if !c.Slug {
		return w.catalog.Unique(ctx, c.Type, c.Field, c.Value)
	}
	for _, state := range []core.State{core.StateDraft, core.StatePublished} {
		v, former, err := w.catalog.BySlug(ctx, c.Type, c.Value, state)
		if err == nil && !former {
			return v.ID, nil
		}
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return "", err
		}
	}
	return "", nil
}

func (w catalogWorld) referrers(ctx context.Context, id core.EntryID) ([]core.Reference, error) {
	refs, _, err := w.catalog.References(ctx, id, maxReferrers+1)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(refs), func(r core.Reference) bool {
		return !slices.Contains(r.In, core.StateDraft) && !slices.Contains(r.In, core.StatePublished)
	}), nil
}

func (w catalogWorld) sole(ctx context.Context, name core.TypeName) (id core.EntryID, err error) {
	err = w.catalog.Each(ctx, name, "", func(e *core.Entry) error {
		if e.Trashed() {
			return nil
		}
		id = e.ID
		return errEnough
	})
	if id != "" {
		return id, nil
	}
	return "", err
}

func (w catalogWorld) used(ctx context.Context, hash string) (bool, error) {
	_, _, found := w.catalog.Key(ctx, hash)
	return found, nil
}

// recorder is a world that notes every question and its answer, so that the writer can ask again.
type recorder struct {
	below world
	notes map[question]string
	torn  *question // one that got two answers: the world moved during the preparation
}

var _ world = (*recorder)(nil)

// question is one thing that was asked of a world.
type question struct {
	about string // "entry", "present", "owner", "referrers", "sole", "used"
	typ   core.TypeName
	id    core.EntryID
	claim claim
	key   string
}

// ask asks a world and gives the part of the answer that a decision rests on, as text.
func (q question) ask(ctx context.Context, w world) (string, error) {
	switch q.about {
	case "entry":
		e, err := w.entry(ctx, q.typ, q.id)
		return revisionOf(e), err
	case "present":
		yes, err := w.present(ctx, q.typ, q.id)
		return strconv.FormatBool(yes), err
	case "owner":
		id, err := w.owner(ctx, q.claim)
		return string(id), err
	case "referrers":
		refs, err := w.referrers(ctx, q.id)
		return listOf(refs), err
	case "sole":
		id, err := w.sole(ctx, q.typ)
		return string(id), err
	default:
		yes, err := w.used(ctx, q.key)
		return strconv.FormatBool(yes), err
	}
}

func revisionOf(e *core.Entry) string {
	if e == nil {
		return ""
	}
	return strconv.FormatInt(e.Rev, 10)
}

func listOf(refs []core.Reference) string {
	lines := make([]string, len(refs))
	for i, r := range refs {
		lines[i] = string(r.ID) + " " + r.Field
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

func (r *recorder) note(q question, answer string) {
	before, asked := r.notes[q]
	if !asked {
		r.notes[q] = answer
	} else if before != answer {
		r.torn = &q
	}
}

func (r *recorder) entry(ctx context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	e, err := r.below.entry(ctx, name, id)
	r.note(question{about: "entry", typ: name, id: id}, revisionOf(e))
	return e, err
}

func (r *recorder) present(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error) {
	yes, err := r.below.present(ctx, name, id)
	r.note(question{about: "present", typ: name, id: id}, strconv.FormatBool(yes))
	return yes, err
}

func (r *recorder) owner(ctx context.Context, c claim) (core.EntryID, error) {
	id, err := r.below.owner(ctx, c)
	r.note(question{about: "owner", claim: c}, string(id))
	return id, err
}

func (r *recorder) referrers(ctx context.Context, id core.EntryID) ([]core.Reference, error) {
	refs, err := r.below.referrers(ctx, id)
	r.note(question{about: "referrers", id: id}, listOf(refs))
	return refs, err
}

func (r *recorder) sole(ctx context.Context, name core.TypeName) (core.EntryID, error) {
	id, err := r.below.sole(ctx, name)
	r.note(question{about: "sole", typ: name}, string(id))
	return id, err
}

func (r *recorder) used(ctx context.Context, hash string) (bool, error) {
	yes, err := r.below.used(ctx, hash)
	r.note(question{about: "used", key: hash}, strconv.FormatBool(yes))
	return yes, err
}
