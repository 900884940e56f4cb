package catalog

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// The overlay is what is in the file with what was written over it.
func TestOverlay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := []string{"a", "a/", "a/1", "a/2", "a/22", "a/é", "a/\U0010ffff", "b", "b/1", "ba", "c"}
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		table, _, _, err := w.c.docs.findView(t.Context(), &core.PluginView{ViewName: core.ViewName{Plugin: "p", Name: "v"}, Version: r.Int()}, "")
		if err != nil {
			t.Fatal(err)
		}
		want := mapTable{}
		write := func(to core.Table) {
			for range r.IntN(12) {
				if key := pick(r, keys); r.IntN(3) == 0 {
					to.Delete(key)
					want.Delete(key)
				} else {
					value := json.RawMessage([]byte{byte('0' + r.IntN(10))})
					to.Put(key, value)
					want.Put(key, value)
				}
			}
		}
		f := &viewBatch{view: newView(journalView()), table: table, to: 1, overlay: newOverlay(t.Context(), w.c.docs, table, false)}
		write(f.overlay)
		if err := w.c.docs.saveView(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		o := newOverlay(t.Context(), w.c.docs, table, false)
		write(o)
		write(o)
		for _, prefix := range []string{"", "a", "a/", "a/2", "b", "x"} {
			for _, after := range append([]string{"", "0", "zz"}, keys...) {
				for _, limit := range []int{1, 2, 3, 100} {
					if got, should := rowsText(o.Scan(prefix, after, limit)), rowsText(want.Scan(prefix, after, limit)); got != should {
						t.Fatalf("scanned %q after %q for %d: %s, want %s", prefix, after, limit, got, should)
					}
				}
			}
		}
		for _, key := range keys {
			if got, should := string(o.Get(key)), string(want.Get(key)); got != should {
				t.Fatalf("%q is %s, want %s", key, got, should)
			}
		}
	}
}

// The fold of one commit cannot write without end.
func TestOverlay_tooMuch(t *testing.T) {
	t.Parallel()
	o := &overlay{written: map[string][]byte{}, bytes: mostFoldBytes - 2}
	o.Put("k", json.RawMessage("1"))
	if o.wrong != nil {
		t.Error(o.wrong)
	}
	o.Put("l", json.RawMessage("1"))
	if o.wrong == nil || o.written["l"] != nil {
		t.Errorf("wrote it: %v", o.wrong)
	}
	o = &overlay{written: map[string][]byte{}}
	for range 2 { // of one key it may write as often as it likes
		for i := range mostFoldKeys {
			o.Put(strconv.Itoa(i), json.RawMessage("1"))
		}
	}
	if o.wrong != nil || o.held < 2<<20 {
		t.Errorf("holds %d bytes, %v", o.held, o.wrong)
	}
	o.Put("x", json.RawMessage("1"))
	if o.wrong == nil {
		t.Error("wrote one more")
	}
}

func rowsText(rows []core.Row) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(r.Key + "=" + string(r.Value) + " ")
	}
	return b.String()
}
