package catalog

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// madeOf tells apart what views are made of: their types, and of those that there are or were entries of, the paths of what they keep
// secret, which folds are not told. A question mark is behind a type that there is not any more: folds are told nothing that is in
// its entries. It passes over what stands behind the types in but. The caller holds mu or applying.
func (c *Catalog) madeOf(v *core.PluginView, but map[core.TypeName]bool) string {
	words := map[string]bool{}
	for _, name := range v.Types {
		words[string(name)+c.behind(name, but)] = true
	}
	if len(v.Types) == 0 {
		for _, s := range c.m.shelves {
			if behind := c.behind(s.name, but); behind != "" && !s.name.System() {
				words[string(s.name)+behind] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(words)), " ")
}

// behind is what madeOf says behind the name of a type.
func (c *Catalog) behind(name core.TypeName, but map[core.TypeName]bool) string {
	if c.m.byName[name] == nil || but[name] {
		return ""
	}
	t, ok := c.types.Type(name)
	if !ok {
		return "?"
	}
	var secrets []string
	for i := range t.Fields {
		if f := &t.Fields[i]; f.Secret {
			secrets = append(secrets, ":"+f.Path)
		}
	}
	slices.Sort(secrets)
	return strings.Join(secrets, "")
}

// followTypes has those views made anew that were made of something else than they are to be made of now. The caller holds applying.
func (c *Catalog) followTypes(ctx context.Context) error {
	if len(c.following) == 0 {
		return nil
	}
	types := c.types.Types()
	if slices.Equal(types, c.lastTypes) {
		return nil
	}
	outdated := c.outdated()
	for _, v := range outdated {
		if err := c.docs.outdate(ctx, v.ViewName); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range outdated {
		v.forgetTable()
	}
	for _, v := range c.following {
		if v.table == 0 { // who makes one beside may have looked at these types
			v.outdated++
		}
	}
	c.lastTypes = types
	return nil
}

// outdated finds the views that were made of something else. Of a type that is only met now, none was.
func (c *Catalog) outdated() (all []*view) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, v := range c.following {
		if v.table != 0 && v.standing != core.ViewFailed && c.madeOf(v.PluginView, c.met) != v.made {
			all = append(all, v)
		}
	}
	return all
}

// madeNow is of what a view is made from the next batch on.
type madeNow struct {
	view  *view
	table int64
	of    string
}

// madeNow finds the views that are made of more now, since a type is met. The caller holds applying.
func (c *Catalog) madeNow() (all []madeNow) {
	if len(c.met) == 0 {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, v := range c.following {
		if of := c.madeOf(v.PluginView, nil); v.table != 0 && of != v.made && c.madeOf(v.PluginView, c.met) == v.made {
			all = append(all, madeNow{v, v.table, of})
		}
	}
	return all
}

// saveBeside saves what was folded beside, unless the types have moved meanwhile, which folds look at.
func (c *Catalog) saveBeside(ctx context.Context, v *view, f *viewBatch, docs *documents) {
	if !f.whole() {
		return
	}
	c.mu.RLock()
	same := v.table == f.table && v.made == c.madeOf(v.PluginView, c.met)
	c.mu.RUnlock()
	if !same {
		f.away = errMoved
		return
	}
	f.away = docs.saveView(ctx, f)
}
