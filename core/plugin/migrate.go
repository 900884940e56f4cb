package plugin

import (
	"context"
	"fmt"
)

// Migration is a step that brings what a plugin has kept into the form that this version of it wants.
type Migration struct {
	Name string
	Run  func(ctx context.Context, h Host) error
}

// Migrate registers a step that is done once for the store, before the plugin starts: steps run in the order in which they
// are registered, one node does them while the others wait, and a step that was done is never done again. Until all are done
// the plugin takes no part in anything, and the host serves without it.
//
// A step that was interrupted, as by the end of the process, is run again from its beginning: it must cope with what it has
// done already. One that fails turns the plugin off, with its error as the reason; when the plugin is turned on again, it
// goes on with the same step. A name that was released keeps its place and its meaning for good.
func Migrate(r *Registry, name string, run func(ctx context.Context, h Host) error) error {
	if name == "" || run == nil {
		return fmt.Errorf("a migration needs a name and a function")
	}
	for _, have := range r.Migrations {
		if have.Name == name {
			return fmt.Errorf("the migration %s is registered twice", name)
		}
	}
	r.Migrations = append(r.Migrations, Migration{name, run})
	return nil
}
