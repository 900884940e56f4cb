package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// WaitForView implements core.PluginViews.
func (c *Catalog) WaitForView(ctx context.Context, name core.ViewName) error {
	for {
		c.mu.RLock()
		v, changed := c.following[name], c.followed
		err := v.readable(name)
		settled := v != nil && v.standing != core.ViewCatchingUp
		if v != nil {
			changed = v.changed
		}
		c.mu.RUnlock()
		if settled {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readable says why a view cannot be read, if so.
func (v *view) readable(name core.ViewName) error {
	switch {
	case v == nil:
		return core.Refuse(core.CodeUnavailable, "view_off", "The view %s of the plugin %s is not kept: the plugin is off.",
			"La vue %s de l’extension %s n’est pas tenue à jour : l’extension est désactivée.", name.Name, name.Plugin)
	case v.standing == core.ViewCatchingUp:
		return core.Refuse(core.CodeUnavailable, "catching_up", "The view %s of the plugin %s is being brought up to date. Try again in a moment.",
			"La vue %s de l’extension %s est en cours de mise à jour. Réessayez dans un instant.", name.Name, name.Plugin)
	case v.standing == core.ViewFailed:
		return core.Refuse(core.CodeUnavailable, "view_failed", "The view %s of the plugin %s failed and was set aside. Turn the plugin off and on again once that is mended.",
			"La vue %s de l’extension %s a échoué et a été mise de côté. Désactivez puis réactivez l’extension une fois le défaut corrigé.", name.Name, name.Plugin)
	}
	return nil
}

// ViewValue implements core.PluginViews.
func (c *Catalog) ViewValue(ctx context.Context, name core.ViewName, key string) (value json.RawMessage, err error) {
	err = c.readView(name, func(docs *documents, table int64) error {
		value, err = docs.stmts.views.get(ctx, table, key)
		if errors.Is(err, sql.ErrNoRows) {
			return core.Refuse(core.CodeNotFound, "", "The view %s has no %q.", "La vue %s ne contient pas « %s ».", name.Name, key)
		}
		return core.Wrap("catalog.ViewValue", err)
	})
	return value, err
}

// ViewRows implements core.PluginViews.
func (c *Catalog) ViewRows(ctx context.Context, name core.ViewName, prefix, after string, limit int) (rows []core.Row, err error) {
	from, end := scanRange(prefix, after)
	err = c.readView(name, func(docs *documents, table int64) error {
		found, err := docs.stmts.views.scan(ctx, table, from, end, limit)
		if err == nil {
			rows = found.rows
		}
		return core.Wrap("catalog.ViewRows", err)
	})
	return rows, err
}

// readView calls f with the table of a view that can be read, and the file that it is in, and again when it has become another
// one meanwhile: nothing waits for what takes long to read.
func (c *Catalog) readView(name core.ViewName, f func(docs *documents, table int64) error) error {
	docs, table, err := c.tableOf(name)
	for err == nil {
		failed := f(docs, table)
		was, of := docs, table
		if docs, table, err = c.tableOf(name); err == nil && docs == was && table == of {
			return failed
		}
	}
	return err
}

// tableOf gives the table of a view that can be read, and the file that it is in.
func (c *Catalog) tableOf(name core.ViewName) (*documents, int64, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v := c.following[name]
	if err := v.readable(name); err != nil {
		return nil, 0, err
	}
	return c.docs, v.table, nil
}

// Views implements core.PluginViews.
func (c *Catalog) Views(plugin string) []core.ViewStatus {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := []core.ViewStatus{}
	for _, v := range c.following {
		if v.Plugin != plugin {
			continue
		}
		s := core.ViewStatus{Name: v.Name, Version: v.Version, Standing: v.standing, Position: v.position}
		if v.fault != nil && v.standing == core.ViewFailed {
			s.Fault = v.fault.Error()
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b core.ViewStatus) int { return strings.Compare(a.Name, b.Name) })
	return all
}
