package core_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core"
)

func TestScope_Readable(t *testing.T) {
	typ := core.NewType(core.Type{Name: "fiche", Fields: []core.Field{
		{Path: "title"}, {Path: "note", Private: true}, {Path: "pass", Secret: true},
		{Path: "contact", Private: true}, {Path: "contact.email"}, {Path: "venue"}, {Path: "venue.key", Secret: true}, {Path: "venue.name"}}})
	all := core.FieldSet{All: true}
	for _, tc := range []struct {
		name  string
		scope core.Scope
		path  string
		want  bool
	}{
		{"plain", core.Scope{Read: all}, "title", true},
		{"not given", core.Scope{}, "title", false},
		{"denied", core.Scope{Read: core.FieldSet{All: true, Deny: map[string]bool{"title": true}}}, "title", false},
		{"private", core.Scope{Read: all}, "note", false},
		{"private, to who may", core.Scope{Read: all, Private: true}, "note", true},
		{"private, named", core.Scope{Read: core.FieldSet{Only: map[string]bool{"note": true}}}, "note", true},
		{"in a private object", core.Scope{Read: all}, "contact.email", false},
		{"in an object", core.Scope{Read: all}, "venue.name", true},
		{"secret in an object", core.Scope{Read: all, Private: true}, "venue.key", false},
		{"secret, named", core.Scope{Read: core.FieldSet{Only: map[string]bool{"pass": true}}, Private: true}, "pass", false},
		{"no such field", core.Scope{Read: all}, "titel", true},
	} {
		if got := tc.scope.Readable(typ, tc.path); got != tc.want {
			t.Errorf("%s: %s readable = %v, want %v", tc.name, tc.path, got, tc.want)
		}
	}
}
