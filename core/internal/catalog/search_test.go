package catalog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func (w *world) search(q core.Query) []core.EntryID {
	w.t.Helper()
	if q.Type == "" {
		q.Type = "fiche"
	}
	if q.State == "" {
		q.State = core.StatePublished
	}
	q.Limit, q.Total = 20, true
	if q.Sort == nil {
		q.Sort = sortBy("-_score")
	}
	p, err := w.c.Query(w.t.Context(), q)
	if err != nil {
		w.t.Fatal(err)
	}
	ids := []core.EntryID{}
	for _, v := range p.Views {
		ids = append(ids, v.ID)
	}
	if p.Total != len(ids) {
		w.t.Errorf("total %d of %d", p.Total, len(ids))
	}
	return ids
}

func (w *world) finds(q core.Query, want ...core.EntryID) {
	w.t.Helper()
	if got := w.search(q); !slices.Equal(got, want) {
		w.t.Errorf("%q in %q: got %v, want %v", q.Text, q.State, got, want)
	}
}

func TestSearch_followsTheStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.newID()
	w.apply(w.draft("fiche", id, `{"slug":"a","title":"Budget participatif","note":"canari"}`))
	w.finds(core.Query{Text: "budgets"})
	w.finds(core.Query{Text: "budgets", State: core.StateDraft}, id)
	w.apply(w.publish("fiche", id, ""))
	w.finds(core.Query{Text: "BUDGET"}, id)
	w.finds(core.Query{Text: "canari"})
	w.finds(core.Query{Text: "canari", Private: true}, id)
	w.finds(core.Query{Text: "canari", Private: true, Searched: []string{"title"}})
	w.apply(w.draft("fiche", id, `{"slug":"a","title":"Jury citoyen"}`))
	w.finds(core.Query{Text: "budget"}, id)
	w.finds(core.Query{Text: "jury"})
	w.finds(core.Query{Text: "jury", State: core.StateDraft}, id)
	w.finds(core.Query{Text: "budget", State: core.StateDraft})
	w.apply(w.trash("fiche", id))
	w.finds(core.Query{Text: "budget"})
	w.finds(core.Query{Text: "jury", State: core.StateDraft})
	w.finds(core.Query{Text: "jury", State: core.StateTrash}, id)
	w.apply(w.purge("fiche", id))
	w.finds(core.Query{Text: "jury", State: core.StateTrash})
	w.reopen()
	w.finds(core.Query{Text: "budget", State: core.StateDraft})
}

func TestSearch_withFiltersOrdersAndPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []core.EntryID
	for i, title := range []string{"Vélo", "Vélo vélo", "Eau", "Une piste pour le vélo en ville"} {
		id := w.newID()
		ids = append(ids, id)
		w.apply(w.publish("fiche", id, `{"slug":"`+string(id)+`","title":"`+title+`","region":"`+someRegions[i%2]+`"}`))
	}
	w.finds(core.Query{Text: "velo", Sort: sortBy("_id")}, ids[0], ids[1], ids[3])
	w.finds(core.Query{Text: "velo", Where: compare("region", core.OpEq, "27")}, w.search(core.Query{Text: "velo", Where: compare("region", core.OpEq, "27")})...)
	w.finds(core.Query{Text: "velo", Where: compare("region", core.OpEq, "44")}, ids[0])
	all := w.search(core.Query{Text: "velo"})
	var walked []core.EntryID
	q := core.Query{Type: "fiche", State: core.StatePublished, Text: "velo", Sort: sortBy("-_score"), Limit: 1, Highlight: true}
	for {
		p, err := w.c.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		v := p.Views[0]
		walked = append(walked, v.ID)
		if v.Score <= 0 || !strings.Contains(strings.Join(v.Highlights["title"], ""), "<mark>") {
			t.Errorf("score %v, highlights %v", v.Score, v.Highlights)
		}
		if p.Next == nil {
			break
		}
		q.After = viaJSON(t, p.Next)
	}
	if !slices.Equal(walked, all) {
		t.Errorf("pages of one give %v, want %v", walked, all)
	}
}

func TestSearch_acrossTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fiche, partner, draft := w.newID(), w.newID(), w.newID()
	w.apply(w.publish("fiche", fiche, `{"slug":"a","title":"Atelier du climat"}`), w.publish("partner", partner, `{"slug":"p","name":"Climat"}`), w.draft("fiche", draft, `{"slug":"b","title":"Climat"}`))
	ask := func(state core.State, name core.TypeName) core.Query {
		return core.Query{Type: name, State: state, Text: "climat", Highlight: true}
	}
	queries := []core.Query{ask(core.StatePublished, "fiche"), ask(core.StatePublished, "partner"), ask(core.StatePublished, "nothing")}
	p, err := w.c.Search(t.Context(), queries, 10, 0)
	if err != nil || p.Total != 2 || len(p.Views) != 2 || p.Views[0].Score < p.Views[1].Score {
		t.Fatalf("got %+v, %v", p, err)
	}
	second, err := w.c.Search(t.Context(), queries, 10, 1)
	if err != nil || second.Total != 2 || len(second.Views) != 1 || second.Views[0].ID != p.Views[1].ID {
		t.Errorf("from the second on: %+v, %v", second, err)
	}
	if p, _ := w.c.Search(t.Context(), []core.Query{ask(core.StateDraft, "fiche"), ask(core.StatePublished, "partner")}, 10, 0); p.Total != 3 {
		t.Errorf("with drafts: %d", p.Total)
	}
}

func TestSearch_translationsAndPlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.newID()
	w.apply(w.publish("fiche", id, `{"_i18n":{"en":{"title":"Citizens jury"}},"slug":"a","title":"Jury citoyen"}`))
	w.finds(core.Query{Text: "citizen", Locale: "en"}, id)
	w.apply(w.schedule("fiche", id, unpublishAt(at(w, time.Hour))))
	w.pass(time.Hour)
	w.finds(core.Query{Text: "citoyen"})
	w.finds(core.Query{Text: "citoyen", State: core.StateDraft}, id)
}

func TestSearch_aTypeThatBecomesSearchable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.newID()
	w.apply(w.publish("partner", id, `{"slug":"a","kind":"coopérative"}`))
	w.finds(core.Query{Type: "partner", Text: "cooperative"})
	next := *partnerType("partner")
	next.Hash = "partner-2"
	next.Fields = append([]core.Field(nil), next.Fields...)
	next.Fields[2].Search = 1
	w.types.set(core.NewType(next))
	if err := w.c.OnType(t.Context(), core.NewType(next), nil); err != nil {
		t.Fatal(err)
	}
	w.finds(core.Query{Type: "partner", Text: "cooperative"}, id)
}
