package webhooks_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// told is what a host was told, as "entry operation", in no order.
func (s site) told(t *testing.T, host string, n int) []string {
	t.Helper()
	var all []string
	for _, r := range s.gets(host, n) {
		data, _ := r.message(t)["data"].(map[string]any)
		all = append(all, fmt.Sprint(data["id"], " ", data["operation"]))
	}
	slices.Sort(all)
	return all
}

// However many changes a commit has, and wherever a stretch of the feed that is read at once ends, each is told once.
func TestLargeCommits(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.hook("public.example.org", plugintest.Doc{"events": []string{"*.*"}, "types": []string{"fiche"}})
	s.hook("staff.example.org", plugintest.Doc{"events": []string{"*.*"}, "types": []string{"fiche"}, "role": "administrator"})
	var public, staff []string
	for _, size := range []int{60, 250, 1, 99, 100, 101, 30} {
		var ops []any
		for range size {
			ops = append(ops, plugintest.Doc{"op": "create", "type": "fiche", "data": plugintest.Doc{"title": "x"}, "publish": true},
				plugintest.Doc{"op": "create", "type": "minutes", "data": plugintest.Doc{"title": "x"}}) // which nobody is told of
		}
		results, _ := s.Do("administrator", "POST", "/api/v1/batch", plugintest.Doc{"operations": ops}).OK().Body["results"].([]any)
		for i := 0; i < len(results); i += 2 {
			id := results[i].(map[string]any)["id"]
			public, staff = append(public, fmt.Sprint(id, " publish")), append(staff, fmt.Sprint(id, " create"))
		}
	}
	for host, want := range map[string][]string{"public.example.org": public, "staff.example.org": staff} {
		slices.Sort(want)
		if got := s.told(t, host, len(want)); !slices.Equal(got, want) {
			t.Errorf("%s was told of %d, want %d: %s…, want %s…", host, len(got), len(want), got[0], want[0])
		}
	}
}

// Several changes of one entry in a commit are several events.
func TestCommit_sameEntry(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.hook("public.example.org", plugintest.Doc{"events": []string{"*.*"}, "types": []string{"fiche"}})
	s.hook("staff.example.org", plugintest.Doc{"events": []string{"*.*"}, "types": []string{"fiche"}, "role": "administrator"})
	op := func(id any, op string, more plugintest.Doc) plugintest.Doc {
		all := plugintest.Doc{"op": op, "type": "fiche", "id": id}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	var public, staff []string
	for _, tc := range []struct {
		ops           func(id any) []any
		public, staff []string
	}{
		{func(id any) []any {
			return []any{op(id, "transition", plugintest.Doc{"name": "publish"}), op(id, "update", plugintest.Doc{"data": plugintest.Doc{"title": "later"}})}
		}, []string{"publish"}, []string{"publish", "update"}},
		{func(id any) []any {
			return []any{op(id, "transition", plugintest.Doc{"name": "publish"}), op(id, "delete", nil)}
		}, []string{"publish", "unpublish"}, []string{"publish", "delete"}},
		{func(id any) []any {
			return []any{op(id, "update", plugintest.Doc{"data": plugintest.Doc{"title": "now"}}), op(id, "transition", plugintest.Doc{"name": "publish"}), op(id, "transition", plugintest.Doc{"name": "unpublish"}),
				op(id, "transition", plugintest.Doc{"name": "publish"})}
		}, []string{"publish", "unpublish", "publish"}, []string{"update", "publish", "unpublish", "publish"}},
	} {
		id := s.Create("fiche", plugintest.Doc{"title": "x"}).OK().ID
		s.Do("administrator", "POST", "/api/v1/batch", plugintest.Doc{"operations": tc.ops(id)}).OK()
		staff = append(staff, fmt.Sprint(id, " create"))
		for _, operation := range tc.public {
			public = append(public, fmt.Sprint(id, " ", operation))
		}
		for _, operation := range tc.staff {
			staff = append(staff, fmt.Sprint(id, " ", operation))
		}
	}
	last := s.publish("last")
	public, staff = append(public, fmt.Sprint(last, " publish")), append(staff, fmt.Sprint(last, " create"))
	for host, want := range map[string][]string{"public.example.org": public, "staff.example.org": staff} {
		slices.Sort(want)
		if got := s.told(t, host, len(want)); !slices.Equal(got, want) {
			t.Errorf("%s was told\n%v, want\n%v", host, got, want)
		}
	}
}
