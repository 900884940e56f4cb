package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// madeOf tells apart what views are made of: their types, and the paths of what those keep secret, which folds are not told. A
// question mark is behind a type that has entries and is not there any more: folds are told nothing that is in them.
// The caller holds mu or applying.
func (c *Catalog) madeOf(v *core.PluginView) string {
	var words []string
	if len(v.Types) == 0 {
		for _, t := range c.types.Types() {
			if secrets := secretsOf(t); secrets != "" && !t.Name.System() {
				words = append(words, string(t.Name)+secrets)
			}
		}
		for _, s := range c.m.shelves {
			if !s.name.System() && !c.knows(s.name) {
				words = append(words, string(s.name)+"?")
			}
		}
	}
	for _, name := range v.Types {
		word := string(name)
		if t, ok := c.types.Type(name); ok {
			word += secretsOf(t)
		} else if c.m.byName[name] != nil {
			word += "?"
		}
		words = append(words, word)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), " ")
}

func (c *Catalog) knows(name core.TypeName) bool {
	_, ok := c.types.Type(name)
	return ok
}

func secretsOf(t *core.Type) string {
	var b strings.Builder
	for i := range t.Fields {
		if f := &t.Fields[i]; f.Secret {
			b.WriteString(":" + f.Path)
		}
	}
	return b.String()
}

// followTypes has those views made anew that were made of something else than they are to be made of now. Of a type that is met
// for the first time no view was made. The caller holds applying.
func (c *Catalog) followTypes(ctx context.Context, met bool) error {
	if len(c.following) == 0 {
		return nil
	}
	types := c.types.Types()
	moved := !slices.Equal(types, c.known)
	if !moved && !met {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.following {
		made := c.madeOf(v.PluginView)
		switch {
		case v.table == 0 || made == v.made:
		case moved:
			v.forgetTable()
		default:
			if err := c.docs.noteMadeOf(ctx, v.table, made); err != nil {
				return err
			}
			v.made = made
		}
	}
	c.known = types
	return nil
}
