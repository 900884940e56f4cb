package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// registry is the content types of a test.
type registry struct {
	mu    sync.Mutex
	known map[core.TypeName]*core.Type
}

func (r *registry) Type(name core.TypeName) (*core.Type, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.known[name]
	return t, ok
}

func (r *registry) Types() []*core.Type {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*core.Type
	for _, t := range r.known {
		list = append(list, t)
	}
	core.SortTypes(list)
	return list
}

func (r *registry) set(t *core.Type) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[t.Name] = t
}

func ficheType() *core.Type {
	indexed := func(path string, kind core.Kind) core.Field { return core.Field{Path: path, Kind: kind, Indexed: true} }
	title := core.Field{Path: "title", Kind: core.KindString, Indexed: true, Localized: true, Search: 4}
	slug := core.Field{Path: "slug", Kind: core.KindString, Indexed: true, Unique: true}
	tags := core.Field{Path: "tags", Kind: core.KindString, Indexed: true, Multi: true, Facet: true}
	partner := core.Field{Path: "partner", Kind: core.KindRef, Ref: &core.RefRule{Types: []core.TypeName{"partner"}}}
	partners := core.Field{Path: "partners", Kind: core.KindRef, Multi: true, Ref: &core.RefRule{Types: []core.TypeName{"partner", "person"}}}
	region := core.Field{Path: "region", Kind: core.KindString, Indexed: true, Facet: true, Territory: "region"}
	commune := core.Field{Path: "place.commune", Kind: core.KindString, Indexed: true, Territory: "commune"}
	secret := core.Field{Path: "secret", Kind: core.KindString, Indexed: true, Secret: true}
	note := core.Field{Path: "note", Kind: core.KindString, Private: true, Search: 1}
	return core.NewType(core.Type{
		Name: "fiche", Hash: "fiche-1", Locales: []core.Locale{"fr", "en"}, SlugField: "slug", TitleField: "title", GeoField: "location", Public: true,
		Fields: []core.Field{title, slug, tags, partner, partners, region, {Path: "place", Kind: core.KindObject}, commune, secret, note,
			indexed("population", core.KindInteger), indexed("budget", core.KindNumber), indexed("open", core.KindBoolean),
			indexed("start", core.KindTime), indexed("day", core.KindDate),
			{Path: "scores", Kind: core.KindInteger, Indexed: true, Multi: true},
			{Path: "location", Kind: core.KindGeo}, {Path: "extra", Kind: core.KindJSON}},
	})
}

func partnerType(name core.TypeName) *core.Type {
	return core.NewType(core.Type{Name: name, Hash: string(name) + "-1", SlugField: "slug", Fields: []core.Field{
		{Path: "name", Kind: core.KindString, Indexed: true, Search: 2},
		{Path: "slug", Kind: core.KindString, Indexed: true, Unique: true},
		{Path: "kind", Kind: core.KindString, Indexed: true, Facet: true},
		{Path: "staff", Kind: core.KindInteger, Indexed: true},
		{Path: "parent", Kind: core.KindRef, Ref: &core.RefRule{Types: []core.TypeName{"partner"}}},
	}})
}

// world is a log in memory and the catalog that follows it.
type world struct {
	t       testing.TB
	dir     string
	types   *registry
	mu      sync.Mutex
	clock   time.Time
	commits []core.Commit
	entries map[core.EntryID]*core.Entry
	ids     []core.EntryID
	c       *Catalog
	options Options
	rand    *rand.Rand
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), entries: map[core.EntryID]*core.Entry{}, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), rand: rand.New(rand.NewPCG(1, 2)),
		options: Options{foldWithin: 10 * time.Second}} // other tests go on at the same time
	w.types = &registry{known: map[core.TypeName]*core.Type{}}
	w.types.set(ficheType())
	w.types.set(partnerType("partner"))
	w.types.set(partnerType("person"))
	w.open()
	t.Cleanup(func() { w.c.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	c, err := Open(w.t.Context(), w.dir, w.types, w.now, w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.c = c
}

func (w *world) reopen() {
	w.t.Helper()
	if err := w.c.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// commit makes a commit of changes without showing it to the catalog.
func (w *world) commit(changes ...core.Change) core.Commit {
	c := core.Commit{Position: core.Position(len(w.commits) + 1), ID: string(core.NewID(w.now())), At: w.now(), By: "user:1", Changes: changes}
	previous := ""
	if n := len(w.commits); n > 0 {
		previous = w.commits[n-1].Sum
	}
	c.Seal(previous)
	w.mu.Lock()
	w.commits = append(w.commits, c)
	w.mu.Unlock()
	for i := range changes {
		ch := &changes[i]
		e := ch.Fold(w.entries[ch.Entry])
		if _, known := w.entries[ch.Entry]; !known && e != nil {
			w.ids = append(w.ids, ch.Entry)
		}
		w.entries[ch.Entry] = e
		if e == nil {
			delete(w.entries, ch.Entry)
		}
	}
	return c
}

// apply makes a commit and shows it to the catalog.
func (w *world) apply(changes ...core.Change) {
	w.t.Helper()
	c := w.commit(changes...)
	if err := w.c.Apply(w.t.Context(), []core.Commit{c}); err != nil {
		w.t.Fatal(err)
	}
}

// next begins a change of an entry: the meta that it would have after an edit.
func (w *world) next(name core.TypeName, id core.EntryID) (*core.Entry, *core.Entry) {
	old := w.entries[id]
	next := &core.Entry{Type: name, ID: id, Meta: core.Meta{CreatedAt: w.now(), CreatedBy: "user:1", Status: core.StatusDraft}}
	if old != nil {
		copied := *old
		next = &copied
	}
	next.Rev++
	next.UpdatedAt, next.UpdatedBy = w.now(), "user:2"
	return old, next
}

func (w *world) draft(name core.TypeName, id core.EntryID, doc string) core.Change {
	old, next := w.next(name, id)
	next.Draft, next.Status = core.Doc(doc), core.StatusDraft
	return core.ChangeTo(old, next, core.ActionUpdate)
}

func (w *world) publish(name core.TypeName, id core.EntryID, doc string) core.Change {
	old, next := w.next(name, id)
	if doc == "" {
		doc = string(next.Latest())
	}
	if old != nil && old.Published != nil {
		if slug := slugOf(old.Published); slug != slugOf(core.Doc(doc)) {
			next.Slugs = append(append([]string(nil), next.Slugs...), slug)
		}
	}
	at := w.now()
	next.Published, next.Draft, next.Status = core.Doc(doc), nil, core.StatusPublished
	next.Live = &core.Live{Rev: next.Rev, At: at}
	if next.PublishedAt == nil {
		next.PublishedAt = &at
	}
	return core.ChangeTo(old, next, core.ActionPublish)
}

func slugOf(doc core.Doc) string {
	var d struct{ Slug string }
	json.Unmarshal(doc, &d)
	return d.Slug
}

func (w *world) unpublish(name core.TypeName, id core.EntryID) core.Change {
	old, next := w.next(name, id)
	next.Draft, next.Published, next.Live, next.Status = next.Latest(), nil, nil, core.StatusDraft
	return core.ChangeTo(old, next, core.ActionUnpublish)
}

func (w *world) trash(name core.TypeName, id core.EntryID) core.Change {
	old, next := w.next(name, id)
	at := w.now()
	next.TrashedAt = &at
	return core.ChangeTo(old, next, core.ActionDelete)
}

func (w *world) restore(name core.TypeName, id core.EntryID) core.Change {
	old, next := w.next(name, id)
	next.TrashedAt = nil
	return core.ChangeTo(old, next, core.ActionRestore)
}

func (w *world) schedule(name core.TypeName, id core.EntryID, s ...core.Scheduled) core.Change {
	old, next := w.next(name, id)
	next.Schedule = s
	return core.ChangeTo(old, next, core.ActionSchedule)
}

func (w *world) purge(name core.TypeName, id core.EntryID) core.Change {
	return core.Change{Type: name, Entry: id, Op: core.OpPurge, Action: core.ActionPurge, Meta: w.entries[id].Meta}
}

func (w *world) newID() core.EntryID {
	w.pass(time.Duration(w.rand.IntN(20)) * time.Millisecond)
	return core.NewID(w.now())
}

var (
	someTitles  = []string{"Élan", "elan", "École d’été", "ecole", "Zèbre", "cœur", "Coeur", "abeille", "Abeille", "été", "Ete", "budget participatif", "Budget Participatif", "", "côte", "coté", "côté"}
	someTags    = []string{"vélo", "eau", "climat", "jeunes", "logement"}
	someKinds   = []string{"association", "collectivité", "entreprise"}
	someRegions = []string{"44", "27", "53", "01"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// ficheDoc makes a document at random; anything may be absent.
func (w *world) ficheDoc(slug string) string {
	r := w.rand
	doc := map[string]any{"slug": slug, "secret": "never"}
	maybe := func(name string, value any) {
		if r.IntN(5) > 0 {
			doc[name] = value
		}
	}
	maybe("title", pick(r, someTitles))
	maybe("region", pick(r, someRegions))
	maybe("population", json.Number(fmt.Sprint(r.IntN(40)-5)))
	maybe("budget", json.Number(fmt.Sprintf("%g", float64(r.IntN(80)-20)/4)))
	maybe("open", r.IntN(2) == 0)
	maybe("start", time.Date(2020+r.IntN(4), 1, 1+r.IntN(3), r.IntN(2), 0, 0, 0, time.UTC).Format(time.RFC3339))
	maybe("day", fmt.Sprintf("202%d-0%d-01", r.IntN(3), 1+r.IntN(3)))
	maybe("place", map[string]any{"commune": pick(r, []string{"44109", "75056", "2A004", "97411", "44110"})})
	maybe("location", geometry(r))
	maybe("extra", map[string]any{"a": json.Number("1")})
	var tags, scores []any
	for range r.IntN(4) {
		tags, scores = append(tags, pick(r, someTags)), append(scores, json.Number(fmt.Sprint(r.IntN(9))))
	}
	maybe("tags", tags)
	maybe("scores", scores)
	if id, ok := w.some("partner"); ok {
		maybe("partner", map[string]any{"_ref": string(id), "_type": "partner"})
	}
	var partners []any
	for _, name := range []core.TypeName{"partner", "person", "person"} {
		if id, ok := w.some(name); ok && r.IntN(2) == 0 {
			partners = append(partners, map[string]any{"_ref": string(id), "_type": string(name)})
		}
	}
	maybe("partners", partners)
	if r.IntN(3) == 0 {
		doc["_i18n"] = map[string]any{"en": map[string]any{"title": pick(r, someTitles)}}
	}
	if r.IntN(5) == 0 {
		doc["_locale"] = "en"
		doc["_i18n"] = map[string]any{"fr": map[string]any{"title": pick(r, someTitles)}}
	}
	return string(jsondoc.Encode(doc))
}

func geometry(r *rand.Rand) map[string]any {
	lon, lat := float64(r.IntN(3600)-1800)/10, float64(r.IntN(1700)-850)/10
	number := func(f float64) json.Number { return json.Number(fmt.Sprint(f)) }
	if r.IntN(4) > 0 {
		return map[string]any{"type": "Point", "coordinates": []any{number(lon), number(lat)}}
	}
	return map[string]any{"type": "LineString", "coordinates": []any{[]any{number(lon), number(lat)}, []any{number(min(180, lon+5)), number(lat + 3)}}}
}

// some gives an entry of a type, once in a while one that is not there.
func (w *world) some(name core.TypeName) (core.EntryID, bool) {
	for range 20 {
		if len(w.ids) == 0 {
			break
		}
		id := pick(w.rand, w.ids)
		if e, ok := w.entries[id]; (ok && e.Type == name) || (!ok && w.rand.IntN(3) == 0) {
			return id, true
		}
	}
	return "", false
}

func (w *world) partnerDoc(slug string) string {
	doc := map[string]any{"slug": slug, "name": pick(w.rand, someTitles) + slug, "kind": pick(w.rand, someKinds), "staff": json.Number(fmt.Sprint(w.rand.IntN(5)))}
	if id, ok := w.some("partner"); ok && w.rand.IntN(2) == 0 {
		doc["parent"] = map[string]any{"_ref": string(id), "_type": "partner"}
	}
	if w.rand.IntN(4) == 0 {
		delete(doc, "kind")
	}
	return string(jsondoc.Encode(doc))
}

func (w *world) doc(name core.TypeName, slug string) string {
	if name == "fiche" {
		return w.ficheDoc(slug)
	}
	return w.partnerDoc(slug)
}

// step makes one change at random.
func (w *world) step() core.Change {
	r := w.rand
	name := pick(r, []core.TypeName{"fiche", "fiche", "fiche", "fiche", "partner", "person"})
	id, ok := w.some(name)
	e := w.entries[id]
	slug := fmt.Sprintf("s%d", len(w.commits)*7+r.IntN(7))
	if !ok || e == nil || r.IntN(3) == 0 {
		id = w.newID()
		if r.IntN(4) == 0 {
			return w.draft(name, id, w.doc(name, slug))
		}
		return w.publish(name, id, w.doc(name, slug))
	}
	w.pass(time.Duration(r.IntN(2000)) * time.Millisecond)
	if e.Trashed() {
		if r.IntN(3) == 0 {
			return w.purge(name, id)
		}
		return w.restore(name, id)
	}
	switch r.IntN(12) {
	case 0:
		return w.trash(name, id)
	case 1:
		return w.unpublish(name, id)
	case 2:
		return w.publish(name, id, "")
	case 3, 4, 5:
		return w.draft(name, id, w.doc(name, slug))
	case 6:
		return w.schedule(name, id, core.Scheduled{Transition: "publish", To: core.StatusPublished, Effect: core.EffectPublish, At: w.now().Add(time.Duration(r.IntN(20000)) * time.Millisecond)},
			core.Scheduled{Transition: "unpublish", To: core.StatusDraft, Effect: core.EffectUnpublish, At: w.now().Add(time.Duration(20000+r.IntN(20000)) * time.Millisecond)})
	}
	return w.publish(name, id, w.doc(name, slug))
}

// grow makes n changes, in commits and calls of Apply of various sizes.
func (w *world) grow(n int) {
	w.t.Helper()
	var commits []core.Commit
	for n > 0 {
		var changes []core.Change
		used := map[core.EntryID]bool{}
		for range 1 + w.rand.IntN(4) {
			ch := w.step()
			if used[ch.Entry] {
				continue
			}
			used[ch.Entry] = true
			changes = append(changes, ch)
			n--
		}
		commits = append(commits, w.commit(changes...))
		if w.rand.IntN(3) == 0 {
			w.applyAll(commits)
			commits = nil
		}
	}
	w.applyAll(commits)
}

func (w *world) applyAll(commits []core.Commit) {
	w.t.Helper()
	if err := w.c.Apply(context.Background(), commits); err != nil {
		w.t.Fatal(err)
	}
}
