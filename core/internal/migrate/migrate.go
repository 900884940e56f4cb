package migrate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/palabre-cms/palabre/core"
)

// Config is what a Service works on.
type Config struct {
	Types    core.Types
	Compiler core.Compiler
	Catalog  core.Catalog
	Content  core.Content
	Access   core.Access // nil: the callers' rights were checked before
	Hooks    *core.Hooks // nil for none
}

// Service reviews and applies changes of content types. It may be used by many goroutines at once; it applies one change
// at a time.
type Service struct {
	c     Config
	apply sync.Mutex
}

var _ core.SchemaChanges = (*Service)(nil)

// New makes a Service.
func New(c Config) *Service { return &Service{c: c} }

// Check implements core.SchemaChanges.
func (s *Service) Check(ctx context.Context, who *core.Principal, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	plan, err := s.plan(ctx, who, name, schema, repairs)
	if err != nil {
		return nil, err
	}
	return plan.review, nil
}

// plan is a proposed change, looked at.
type plan struct {
	old, next *core.Type // old is nil for a new type
	repairs   []core.Repair
	review    *core.Review
}

func (s *Service) plan(ctx context.Context, who *core.Principal, name core.TypeName, schema []byte, repairs []core.Repair) (*plan, error) {
	if err := s.permit(ctx, who, name); err != nil {
		return nil, err
	}
	next, err := s.c.Compiler.Compile(ctx, schema)
	if err != nil {
		return nil, err
	}
	if next.Name != name {
		return nil, wrongName(name, next.Name)
	}
	p := &plan{next: next, review: &core.Review{Type: name, Changes: []core.FieldChange{}, Failures: []core.Failure{}, Repairs: []core.Repair{}}}
	old, known := s.c.Types.Type(name)
	if !known {
		p.review.New = true
		return p, nil
	}
	p.old = old
	return p, s.examine(ctx, p, repairs)
}

// permit checks that the caller may change types. The system's own are part of the program.
func (s *Service) permit(ctx context.Context, who *core.Principal, name core.TypeName) error {
	if name.System() {
		return refuse(core.CodeForbidden, "Ce type fait partie de Palabre : il ne se change pas.", "This type is part of Palabre: it cannot be changed.")
	}
	t, known := s.c.Types.Type(typeName)
	if s.c.Access == nil || who.Kind == "system" || !known {
		return nil
	}
	_, err := s.c.Access.Scope(ctx, who, t, core.ActionManage)
	return err
}

func wrongName(name, given core.TypeName) error {
	text := core.Text{"fr": "Le schéma se nomme « " + string(given) + " », et l’adresse dit « " + string(name) + " ».",
		"en": "The schema is named “" + string(given) + "”, and the address says “" + string(name) + "”."}
	return core.Invalid(fieldError("/x-type/name", "x-type", text))
}

func refuse(code core.Code, fr, en string) error {
	return &core.Error{Op: "migrate", Code: code, Message: en, Texts: core.Text{"fr": fr, "en": en}}
}

// examine compares the two versions and runs the new one over every entry.
func (s *Service) examine(ctx context.Context, p *plan, repairs []core.Repair) error {
	p.review.Changes = append(p.review.Changes, Compare(p.old, p.next)...)
	p.review.Same = p.old.Hash == p.next.Hash && len(repairs) == 0
	if p.review.Same {
		return nil
	}
	p.repairs = sortRepairs(withRenames(p.review.Changes, repairs))
	if err := checkRepairs(p, repairs); err != nil {
		return err
	}
	x := s.newExamination(p)
	if err := x.entries(ctx, s.c.Catalog); err != nil {
		return core.Wrap("migrate.examine", err)
	}
	p.review.Repairs = x.advice.proposed()
	p.review.Inverse = inverse(p)
	return nil
}

// withRenames adds the renames that x-id tells of to those that the caller names.
func withRenames(changes []core.FieldChange, repairs []core.Repair) []core.Repair {
	all := slices.Clone(repairs)
	for _, c := range changes {
		named := slices.ContainsFunc(repairs, func(r core.Repair) bool { return r.Path == c.From && (r.Kind == renameKind || r.Kind == drop) })
		if c.Kind == renamed && !named {
			all = append(all, core.Repair{Kind: renameKind, Path: c.From, To: c.To})
		}
	}
	return all
}

// checkRepairs refuses repairs that cannot be meant.
func checkRepairs(p *plan, repairs []core.Repair) error {
	var wrong []core.FieldError
	for i := range repairs {
		if text := faultOf(p, &repairs[i]); text != nil {
			wrong = append(wrong, fieldError("/repairs/"+strconv.Itoa(i), "repair", text))
		}
	}
	for i := range p.repairs {
		if text := reused(p, &p.repairs[i]); text != nil {
			wrong = append(wrong, fieldError("/schema", "rename", text))
		}
	}
	if len(wrong) > 0 {
		return core.Invalid(wrong...)
	}
	return nil
}

func faultOf(p *plan, r *core.Repair) core.Text {
	_, before := p.old.Field(r.Path)
	_, after := p.next.Field(r.Path)
	switch {
	case !slices.Contains(repairOrder, r.Kind):
		return core.Text{"fr": "Une réparation est de sorte fill, rename, convert ou drop.", "en": "A repair is of the kind fill, rename, convert or drop."}
	case !before && !after:
		return core.Text{"fr": "Le champ « " + r.Path + " » n’existe ni avant ni après.", "en": "There is no field “" + r.Path + "”, neither before nor after."}
	case r.Kind == fill && r.Value == nil:
		return core.Text{"fr": "fill a besoin d’une valeur (value).", "en": "fill needs a value."}
	case r.Kind == renameKind && !exists(p.next, r.To):
		return core.Text{"fr": "rename va vers un champ du nouveau type (to).", "en": "rename leads to a field of the new type (to)."}
	case r.Kind == convert && chained(r.Value):
		return core.Text{"fr": "Dans la table de convert, une valeur d’arrivée ne peut pas être aussi de départ.", "en": "In convert's table no value may be both a target and a source."}
	}
	return nil
}

// reused refuses a rename whose old name means something else in the new type: done twice, or on an entry made
// meanwhile, it would move the wrong value.
func reused(p *plan, r *core.Repair) core.Text {
	if r.Kind != renameKind || !exists(p.next, r.Path) {
		return nil
	}
	return core.Text{"fr": "« " + r.Path + " » devient « " + r.To + " » et nomme aussi un autre champ : faites-le en deux changements.",
		"en": "“" + r.Path + "” becomes “" + r.To + "” and names another field too: do it in two changes."}
}

func exists(t *core.Type, path string) bool {
	_, ok := t.Field(path)
	return ok
}

// chained reports whether doing a table of values twice would do something else than doing it once.
func chained(v any) bool {
	table, _ := v.(map[string]any)
	for from, to := range table {
		if _, again := table[keyOf(to)]; again && keyOf(to) != from {
			return true
		}
	}
	return false
}

// inverse gives the repairs that lead back to the type before. What was dropped or converted comes out of the history.
func inverse(p *plan) []core.Repair {
	var back []core.Repair
	for i := range p.repairs {
		r := &p.repairs[i]
		switch {
		case r.Kind == renameKind:
			back = append(back, core.Repair{Kind: renameKind, Path: r.To, To: r.Path})
		case r.Kind == fill && !exists(p.old, r.Path):
			back = append(back, core.Repair{Kind: drop, Path: r.Path})
		case r.Kind == drop, r.Kind == convert:
			back = append(back, core.Repair{Kind: restore, Path: formerPath(p, r.Path)})
		}
	}
	return back
}

// formerPath is where a field stood in the type before.
func formerPath(p *plan, path string) string {
	for i := range p.repairs {
		if r := &p.repairs[i]; r.Kind == renameKind && r.To == path {
			return r.Path
		}
	}
	return path
}

// Apply implements core.SchemaChanges.
func (s *Service) Apply(ctx context.Context, who *core.Principal, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	s.apply.Lock()
	defer s.apply.Unlock()
	if err := s.finishEarlier(ctx, who, name); err != nil {
		return nil, err
	}
	before, err := s.read(ctx, name) // first: what is planned on a later version than this is not written
	if err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, who, name, schema, repairs)
	if err != nil || p.review.Same {
		return reviewOf(p), err
	}
	if p.review.Breaking > 0 {
		return nil, breakage(p.review)
	}
	err = s.withHooks(ctx, who, p, func(ctx context.Context) error { return s.perform(ctx, who, p, before, schema) })
	if err != nil {
		return nil, err
	}
	return p.review, nil
}

func reviewOf(p *plan) *core.Review {
	if p == nil {
		return nil
	}
	return p.review
}

func breakage(review *core.Review) error {
	text := core.Text{
		"fr": fmt.Sprintf("Ce changement casserait %d entrées. Donnez une réparation pour chaque endroit, comme la revue le propose.", review.Breaking),
		"en": fmt.Sprintf("This change would break %d entries. Name a repair for each place, as the review proposes.", review.Breaking)}
	return &core.Error{Op: "migrate.Apply", Code: core.CodeConflict, Reason: "breaking", Message: text["en"], Texts: text,
		Extra: map[string]any{"review": review}}
}

func (s *Service) withHooks(ctx context.Context, who *core.Principal, p *plan, do func(context.Context) error) error {
	if s.c.Hooks == nil {
		return do(ctx)
	}
	event := &core.SchemaEvent{Name: "schema.change", Actor: who, Old: p.old, New: p.next}
	return core.OfHook(s.c.Hooks.SchemaChange.Run(ctx, event, do))
}

// perform puts the type in place of what it was planned on, t, which is nil for a new one, and then does what is left
// to do on its entries.
func (s *Service) perform(ctx context.Context, who *core.Principal, p *plan, t *stored, schema []byte) error {
	next := &stored{Name: p.next.Name, Source: sourceOf(who), Schema: quoted(schema), Repairs: p.repairs, Inverse: p.review.Inverse}
	if t == nil {
		return s.create(ctx, who, next)
	}
	next.entry = t.entry
	if len(p.repairs) > 0 { // of entries made since the review too
		next.Pending = &pending{Schema: t.Schema, Repairs: p.repairs, By: who.ID}
	}
	if err := s.put(ctx, who, next); err != nil || next.Pending == nil {
		return err
	}
	return s.finish(ctx, who, p.next.Name)
}

func sourceOf(who *core.Principal) string {
	if who.Kind == "system" {
		return sourceFile
	}
	return sourceAPI
}

// system acts for somebody with the rights of the system: who asked stays on record.
func system(who *core.Principal) *core.Principal {
	return &core.Principal{ID: who.ID, Kind: core.System.Kind, Roles: core.System.Roles}
}

func (s *Service) create(ctx context.Context, who *core.Principal, t *stored) error {
	data := map[string]any{"name": string(t.Name), "schema": string(text(t.Schema)), "source": t.Source}
	op := core.Operation{Op: core.OperationCreate, Type: typeName, Data: data, Publish: true}
	return s.write(ctx, who, op, "create")
}

// put replaces the entry of a type, at the revision at which it was read.
func (s *Service) put(ctx context.Context, who *core.Principal, t *stored) error {
	next := &core.Migrated{Published: t.doc()}
	if t.entry.Published == nil {
		next.Draft, next.Published = next.Published, nil
	}
	return s.write(ctx, who, core.Operation{Op: core.OperationReplace, Type: typeName, ID: t.entry.ID, IfMatch: t.entry.Rev, Migrate: next}, string(core.ActionMigrate))
}

func (s *Service) write(ctx context.Context, who *core.Principal, op core.Operation, reason string) error {
	result, err := s.c.Content.Write(ctx, system(who), []core.Operation{op}, core.WriteOptions{Reason: reason})
	if err != nil {
		return err
	}
	return s.c.Catalog.Wait(ctx, result.Position)
}

// finish does the pending repairs of a type on every entry, and takes the note of them away.
func (s *Service) finish(ctx context.Context, who *core.Principal, name core.TypeName) error {
	t, err := s.read(ctx, name)
	if err != nil || t == nil || t.Pending == nil {
		return err
	}
	current, known := s.c.Types.Type(name)
	if !known {
		return core.Wrap("migrate.finish", core.Errorf(core.CodeInternal, "the type %s has an entry but is not known", name))
	}
	repairs := &repairing{repairer: repairer{next: current, repairs: t.Pending.Repairs}, past: s.pastOf(current, t.Pending.Repairs)}
	w := &rewriting{s: s, who: system(who), name: name, comment: "migration", hash: current.Hash, rewrite: repairs.document}
	if err := w.run(ctx); err != nil {
		return err
	}
	t.Pending = nil
	return s.settle(ctx, who, t)
}

// settle takes the note away. Another node that did the same meanwhile was right to.
func (s *Service) settle(ctx context.Context, who *core.Principal, t *stored) error {
	err := s.put(ctx, who, t)
	if core.CodeOf(err) != core.CodeStale {
		return err
	}
	now, readErr := s.read(ctx, t.Name)
	if readErr != nil || now == nil || now.Pending == nil {
		return readErr
	}
	return err
}

// finishEarlier completes a migration of the type that was cut short, before another begins.
func (s *Service) finishEarlier(ctx context.Context, who *core.Principal, name core.TypeName) error {
	if err := s.permit(ctx, who, name); err != nil {
		return err
	}
	return s.finish(ctx, who, name)
}

// Resume completes every migration that was cut short. It is called when a node has caught up with the log.
func (s *Service) Resume(ctx context.Context) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	var names []core.TypeName
	err := s.c.Catalog.Each(ctx, typeName, "", func(e *core.Entry) error {
		t, err := readStored(e)
		if err == nil && t.Pending != nil && !e.Trashed() {
			names = append(names, t.Name)
		}
		return err
	})
	for _, name := range names {
		if err == nil {
			err = s.finish(ctx, core.System, name)
		}
	}
	return core.Wrap("migrate.Resume", err)
}

// Undo gives the schema and the repairs that lead back from the last change of a type, as Apply takes them.
func (s *Service) Undo(ctx context.Context, name core.TypeName, rev int64) (schema []byte, repairs []core.Repair, err error) {
	t, err := s.read(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if t == nil {
		return nil, nil, core.Wrap("migrate.Undo", core.Errorf(core.CodeNotFound, "There is no type %q.", name))
	}
	was, err := s.c.Content.Revision(ctx, typeName, t.entry.ID, rev)
	if err != nil {
		return nil, nil, err
	}
	before, err := readStored(was)
	if err != nil {
		return nil, nil, err
	}
	return text(before.Schema), t.Inverse, nil
}
