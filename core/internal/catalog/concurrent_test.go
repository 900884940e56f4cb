package catalog

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// TestQuery_pagesUnderWrites walks pages while entries come, change and go: those that stay and keep their sort value are
// neither skipped nor repeated.
func TestQuery_pagesUnderWrites(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		few  int
	}{{"by candidates", 1 << 30}, {"by orders", 0}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.c.options.fewRows = tc.few
			var steady, restless []core.EntryID
			for i := range 300 {
				id := w.newID()
				steady = append(steady, id)
				w.apply(w.publish("fiche", id, fmt.Sprintf(`{"slug":"s%d","title":%q,"population":%d}`, i, pick(w.rand, someTitles), w.rand.IntN(20))))
			}
			slices.Sort(steady)
			stop, walks := make(chan struct{}), atomic.Int64{}
			var readers sync.WaitGroup
			for _, sort := range [][]core.SortKey{sortBy("population"), sortBy("-title", "population"), sortBy("title")} {
				readers.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						w.walk(sort, steady)
						walks.Add(1)
					}
				})
			}
			for i := 0; i < 600 || walks.Load() < 9; i++ {
				switch {
				case len(restless) < 20 || w.rand.IntN(3) == 0:
					id := w.newID()
					restless = append(restless, id)
					w.apply(w.publish("fiche", id, w.ficheDoc(fmt.Sprintf("r%d", i))))
				case w.rand.IntN(3) == 0:
					w.apply(w.trash("fiche", restless[0]))
					restless = restless[1:]
				default:
					w.apply(w.publish("fiche", pick(w.rand, restless), w.ficheDoc(fmt.Sprintf("r%d", i))))
				}
			}
			close(stop)
			readers.Wait()
			w.verify()
		})
	}
}

// walk reads all pages and checks that the steady entries are all there, once.
func (w *world) walk(sort []core.SortKey, steady []core.EntryID) {
	q := core.Query{Type: "fiche", State: core.StatePublished, Sort: sort, Limit: 7}
	found := map[core.EntryID]int{}
	for {
		p, err := w.c.Query(w.t.Context(), q)
		if err != nil {
			w.t.Error(err)
			return
		}
		for _, v := range p.Views {
			found[v.ID]++
			if len(v.Doc) == 0 {
				w.t.Errorf("%s came without its document", v.ID)
			}
		}
		if p.Next == nil {
			break
		}
		q.After = p.Next
	}
	for _, id := range steady {
		if found[id] != 1 {
			w.t.Errorf("%s came %d times in the pages by %v", id, found[id], sort)
		}
	}
}

// TestEntry_isOfOnePosition reads entries whose two documents always say the same number while they are rewritten.
func TestEntry_isOfOnePosition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.newID(), w.newID()
	write := func(i int) {
		w.apply(w.publish("fiche", a, fmt.Sprintf(`{"slug":"a","population":%d}`, i)), w.publish("fiche", b, fmt.Sprintf(`{"slug":"b","population":%d}`, i)))
	}
	write(0)
	stop, reads := make(chan struct{}), atomic.Int64{}
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				p, err := w.c.Query(t.Context(), core.Query{Type: "fiche", State: core.StatePublished, Sort: sortBy("slug"), Limit: 2, Facets: []core.Path{path("population")}})
				if err != nil {
					t.Error(err)
					return
				}
				if n := len(p.Facets["population"]); n != 1 || string(p.Views[0].Doc[len(`{"slug":"a"`):]) != string(p.Views[1].Doc[len(`{"slug":"b"`):]) {
					t.Errorf("half a commit is seen: %d values, %s, %s", n, p.Views[0].Doc, p.Views[1].Doc)
					return
				}
				reads.Add(1)
			}
		})
	}
	for i := 1; i < 300 || reads.Load() < 100; i++ {
		write(i)
	}
	close(stop)
	readers.Wait()
}
