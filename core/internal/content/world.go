package content

import (
	"context"
	"math"
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
	// holder gives the type of the entry that has an identifier, trash included; "" when none has.
	holder(ctx context.Context, id core.EntryID) (core.TypeName, error)
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
	// rights counts the changes of what decides who may do what.
	rights() uint64
}

// typesOfRights are the system types that decide who may do what.
var typesOfRights = []core.TypeName{"_role", "_user", "_token", "_link"}

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
type catalogWorld struct {
	catalog core.Catalog
	types   core.Types
}

var _ world = catalogWorld{}

func (w catalogWorld) entry(ctx context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	e, err := w.catalog.Entry(ctx, name, id)
	if err != nil {
		return nil, unlessAbsent(err)
	}
	return e, nil
}

func (w catalogWorld) holder(ctx context.Context, id core.EntryID) (core.TypeName, error) {
	for _, t := range w.types.Types() {
		if e, err := w.entry(ctx, t.Name, id); e != nil || err != nil {
			return t.Name, err
		}
	}
	return "", nil
}

func (w catalogWorld) present(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error) {
	_, err := w.catalog.ByID(ctx, name, id, core.StateDraft)
	return err == nil, unlessAbsent(err)
}

// unlessAbsent takes out the error that is an answer: there is none.
func unlessAbsent(err error) error {
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	return err
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
		if unlessAbsent(err) != nil {
			return "", err
		}
	}
	return "", nil
}

func (w catalogWorld) referrers(ctx context.Context, id core.EntryID) ([]core.Reference, error) {
	refs, _, err := w.catalog.References(ctx, id, math.MaxInt) // those in the trash are among them: a limit could leave out the others
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

func (w catalogWorld) rights() (n uint64) {
	for _, name := range typesOfRights {
		n += w.catalog.Version(name)
	}
	return n
}

// recorder is a world that notes every question and its answer, so that the writer can ask again. It asks once: the same
// question gets the same answer throughout a preparation, however the world moves meanwhile.
type recorder struct {
	below   world
	notes   map[question]string
	entries map[question]*core.Entry
	refs    map[question][]core.Reference
}

var _ world = (*recorder)(nil)

func newRecorder(below world) *recorder {
	return &recorder{below: below, notes: map[question]string{}, entries: map[question]*core.Entry{}, refs: map[question][]core.Reference{}}
}

// question is one thing that was asked of a world.
type question struct {
	about string // "entry", "holder", "present", "owner", "referrers", "sole", "used", "rights"
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
	case "holder":
		name, err := w.holder(ctx, q.id)
		return string(name), err
	case "present":
		there, err := w.present(ctx, q.typ, q.id)
		return strconv.FormatBool(there), err
	case "owner":
		id, err := w.owner(ctx, q.claim)
		return string(id), err
	case "referrers":
		refs, err := w.referrers(ctx, q.id)
		return listOf(refs), err
	case "sole":
		id, err := w.sole(ctx, q.typ)
		return string(id), err
	case "rights":
		return strconv.FormatUint(w.rights(), 10), nil
	default:
		used, err := w.used(ctx, q.key)
		return strconv.FormatBool(used), err
	}
}

const yes = "true"

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

// text asks a question that is answered by its text.
func (r *recorder) text(ctx context.Context, q question) (string, error) {
	if answer, asked := r.notes[q]; asked {
		return answer, nil
	}
	answer, err := q.ask(ctx, r.below)
	if err == nil {
		r.notes[q] = answer
	}
	return answer, err
}

func (r *recorder) entry(ctx context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	q := question{about: "entry", typ: name, id: id}
	if e, asked := r.entries[q]; asked {
		return e, nil
	}
	e, err := r.below.entry(ctx, name, id)
	if err == nil {
		r.entries[q], r.notes[q] = e, revisionOf(e)
	}
	return e, err
}

func (r *recorder) referrers(ctx context.Context, id core.EntryID) ([]core.Reference, error) {
	q := question{about: "referrers", id: id}
	if refs, asked := r.refs[q]; asked {
		return refs, nil
	}
	refs, err := r.below.referrers(ctx, id)
	if err == nil {
		r.refs[q], r.notes[q] = refs, listOf(refs)
	}
	return refs, err
}

func (r *recorder) holder(ctx context.Context, id core.EntryID) (core.TypeName, error) {
	answer, err := r.text(ctx, question{about: "holder", id: id})
	return core.TypeName(answer), err
}

func (r *recorder) present(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error) {
	answer, err := r.text(ctx, question{about: "present", typ: name, id: id})
	return answer == yes, err
}

func (r *recorder) owner(ctx context.Context, c claim) (core.EntryID, error) {
	answer, err := r.text(ctx, question{about: "owner", claim: c})
	return core.EntryID(answer), err
}

func (r *recorder) sole(ctx context.Context, name core.TypeName) (core.EntryID, error) {
	answer, err := r.text(ctx, question{about: "sole", typ: name})
	return core.EntryID(answer), err
}

func (r *recorder) used(ctx context.Context, hash string) (bool, error) {
	answer, err := r.text(ctx, question{about: "used", key: hash})
	return answer == yes, err
}

// rights is asked of the world at the beginning, once: whoever lost a right meanwhile must not write any more.
func (r *recorder) rights() uint64 {
	q := question{about: "rights"}
	n := r.below.rights()
	if _, asked := r.notes[q]; !asked {
		r.notes[q] = strconv.FormatUint(n, 10)
	}
	return n
}
