package access

import (
	"context"
	"encoding/json"

	"github.com/palabre-cms/palabre/core"
)

// role is a role as it is stored.
type role struct {
	Name        string       `json:"name"`
	Label       core.Text    `json:"label,omitempty"`
	Description core.Text    `json:"description,omitempty"`
	Builtin     bool         `json:"builtin,omitempty"`
	Permissions []permission `json:"permissions"`
}

// permission is what a role allows on the entries of a type, or of several.
type permission struct {
	// Type is the name of a type; anyType for all but the system's own; publicType for those that anybody may read.
	Type    string          `json:"type"`
	Actions []core.Action   `json:"actions"` // anyAction for all
	Where   map[string]any  `json:"where,omitempty"`
	Fields  permissionLists `json:"fields"`
}

// permissionLists are allow-lists of fields: see fields.go.
type permissionLists struct {
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
}

const (
	anyType    = "*"
	publicType = "@public"
	everyType  = "**" // the system's own too: for administrators alone
	anyAction  = "*"
)

// administrator is what its role comes to, whatever is stored.
var administrator = &role{Name: Administrator, Permissions: []permission{{Type: everyType, Actions: []core.Action{anyAction},
	Fields: permissionLists{Read: []string{"*", "P0", "P1", "P2"}, Write: []string{"*", "P0", "P1", "P2", "P3"}}}}}

// loadRoles reads the roles of the store, and adds the built-in ones that it has not.
func (a *Access) loadRoles(ctx context.Context) (map[string]*role, error) {
	roles := map[string]*role{}
	err := a.Catalog.Each(ctx, RoleType, "", func(e *core.Entry) error {
		if e.Trashed() {
			return nil
		}
		r, err := readRole(e.Latest())
		if err == nil {
			roles[r.Name] = r
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, r := range builtinRoles() {
		if roles[r.Name] == nil {
			roles[r.Name] = r
		}
	}
	roles[Administrator] = administrator
	return roles, nil
}

func readRole(doc []byte) (*role, error) {
	r := &role{}
	if err := json.Unmarshal(doc, r); err != nil {
		return nil, core.Wrap("access.readRole", err)
	}
	return r, nil
}
