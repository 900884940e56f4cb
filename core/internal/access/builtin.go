package access

import (
	_ "embed"
	"encoding/json"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

//go:embed builtin.json
var builtinJSON []byte

// builtinRoles are the roles that are there from the start.
func builtinRoles() []*role {
	var roles []*role
	if err := json.Unmarshal(builtinJSON, &roles); err != nil {
		panic("access: builtin.json: " + err.Error()) // part of the program
	}
	for _, r := range roles {
		r.Builtin = true
	}
	return roles
}

// Builtin gives the entries of _role that every store has, the administrator's first.
func Builtin() ([]map[string]any, error) {
	list, err := jsondoc.Parse(builtinJSON)
	if err != nil {
		return nil, core.Wrap("access.Builtin", err)
	}
	items, _ := list.([]any)
	docs := make([]map[string]any, 0, len(items))
	for _, item := range items {
		doc, _ := item.(map[string]any)
		doc["builtin"] = true
		docs = append(docs, doc)
	}
	return docs, nil
}

// isBuiltin reports whether a role is there from the start.
func isBuiltin(name string) bool {
	return slices.ContainsFunc(builtinRoles(), func(r *role) bool { return r.Name == name })
}
