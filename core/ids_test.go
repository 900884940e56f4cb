package core_test

import (
	"sort"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func TestNewID(t *testing.T) {
	at := time.UnixMilli(1469918176385)
	first := core.NewID(at)
	if got, want := string(first[:10]), "01aryz6s41"; got != want {
		t.Errorf("time part = %s, want %s (the example of the ULID specification)", got, want)
	}
	ids := []string{string(first)}
	for range 1000 {
		ids = append(ids, string(core.NewID(at)))
	}
	if !sort.StringsAreSorted(ids) {
		t.Error("identifiers of one millisecond do not rise")
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if !core.ValidID(id) {
			t.Errorf("%q is not valid", id)
		}
		if seen[id] {
			t.Errorf("%q came twice", id)
		}
		seen[id] = true
	}
}
