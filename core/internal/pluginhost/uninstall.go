package pluginhost

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// Removal is how a plugin is uninstalled.
type Removal struct {
	Data    plugin.Disposal `json:"data,omitempty"`    // "" as its manifest declares
	Confirm string          `json:"confirm,omitempty"` // the plugin's ID once more, without which no data is dropped
	Force   bool            `json:"force,omitempty"`   // also when the plugin itself fails at it, or cannot be asked
}

// uninstallWithin bounds what a plugin does when it is uninstalled.
const uninstallWithin = time.Minute

// Uninstall turns a plugin off for good, on every node, and keeps or drops its data. It may be one that this binary does not have
// any more. It gives what became of the data.
func (h *Host) Uninstall(ctx context.Context, who *core.Principal, id string, r Removal) (plugin.Disposal, error) {
	o := h.find(id)
	if err := h.mayRemove(ctx, o, id, &r); err != nil {
		return "", err
	}
	done, err := h.reserve(ctx, id)
	if err != nil {
		return "", err
	}
	defer done()
	if o != nil {
		if err := h.retire(ctx, who, o, r); err != nil {
			return "", err
		}
	}
	var before, installation string
	err = h.change(ctx, who, id, func(s *state) error {
		if s.Enabled && o != nil {
			return core.Refuse(core.CodeConflict, "turned_on", "Somebody has turned the plugin %s on meanwhile.", "Quelqu’un a réactivé l’extension %s entre-temps.", id)
		}
		before = s.Installation
		dropped := s.Uninstalled == plugin.DropData // and nothing was kept since
		s.Enabled, s.Fault, s.Uninstalled = false, "", r.Data
		if r.Data == plugin.DropData && !dropped {
			s.Settings, s.Sealed, s.Stages, s.Installation = nil, "", nil, nextInstallation(s.Installation, time.Now())
		}
		installation = s.Installation
		return nil
	})
	if err != nil {
		return "", err
	}
	if r.Data == plugin.DropData {
		err = h.clearNow(ctx, id, before, installation)
	}
	if failed := h.parts.Note(ctx, who, core.AuditEvent{Event: "plugin_uninstalled", Detail: map[string]any{"plugin": id, "data": string(r.Data)}}); failed != nil {
		h.logger.Error("that a plugin is uninstalled cannot be put in the audit trail", "plugin", id, "by", who.ID, "data", r.Data, "error", failed)
	}
	return r.Data, err
}

// clearNow clears for somebody who wants to know of it: a node tries again beside, until it is done; a command has but this time.
func (h *Host) clearNow(ctx context.Context, id, before, installation string) error {
	err := h.settleDir(ctx, id, before) // with what a command has begun meanwhile, which goes too
	if err == nil {
		err = h.clear(ctx, id, installation)
	}
	if err == nil {
		return nil
	}
	h.notCleared(id, err)
	if !h.parts.Errand {
		return nil
	}
	e := core.Refuse(core.CodeConflict, "data_left", "The plugin %s is uninstalled, but its data is still there (%s). The next server that starts takes it away.",
		"L’extension %s est désinstallée, mais ses données sont encore là (%s). Le prochain serveur qui démarre les supprimera.", id, clipped(err.Error()))
	e.Err = err
	return e
}

func (h *Host) notCleared(id string, err error) {
	h.logger.Warn("what an uninstalled plugin has left cannot be cleared away yet", "plugin", id, "error", err)
}

// reserve keeps a plugin for one who uninstalls it or changes its state on this node, until done.
func (h *Host) reserve(ctx context.Context, id string) (done func(), err error) {
	c, _ := h.reserved.LoadOrStore(id, make(chan struct{}, 1))
	held := c.(chan struct{})
	select {
	case held <- struct{}{}:
		return func() { <-held }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// changeAlone is change for somebody who waits until the plugin is not being uninstalled on this node.
func (h *Host) changeAlone(ctx context.Context, who *core.Principal, id string, edit func(*state) error) error {
	done, err := h.reserve(ctx, id)
	if err != nil {
		return err
	}
	defer done()
	return h.change(ctx, who, id, edit)
}

// mayRemove completes and judges what is asked for. Data is never dropped by accident: somebody has to name the plugin twice.
func (h *Host) mayRemove(ctx context.Context, o *one, id string, r *Removal) error {
	switch {
	case r.Data == "" && o == nil:
		if err := h.known(ctx, id); err != nil {
			return err
		}
		return core.Refuse(core.CodeInvalid, "data", "The plugin %s is not in this program, and cannot say what becomes of its data: say drop-data.",
			"L’extension %s n’est pas dans ce programme et ne peut dire ce que deviennent ses données : indiquez drop-data.", id)
	case r.Data == "" && o.Manifest.Uninstall == "":
		r.Data = plugin.KeepData
	case r.Data == "":
		r.Data = o.Manifest.Uninstall
	case !r.Data.Valid():
		return core.Refuse(core.CodeInvalid, "data", "The data cannot be %q: say %s or %s.", "Les données ne peuvent être %q : indiquez %s ou %s.", string(r.Data), plugin.KeepData, plugin.DropData)
	}
	if o == nil {
		if err := h.known(ctx, id); err != nil {
			return err
		}
	}
	if r.Data == plugin.DropData && r.Confirm != id {
		return core.Refuse(core.CodeInvalid, "confirm", "This drops all data of the plugin %s, for good. To confirm it, send {\"confirm\": %q}.",
			"Cela supprime définitivement toutes les données de l’extension %s. Pour confirmer, envoyez {\"confirm\": %q}.", id, id)
	}
	return nil
}

// known refuses what is no plugin that the store knows of.
func (h *Host) known(ctx context.Context, id string) error {
	if !plugin.ValidID(id) {
		return noPlugin(id)
	}
	states, err := h.states(ctx)
	if err != nil {
		return err
	}
	if _, ok := states[id]; ok {
		return nil
	}
	keys, err := h.parts.Log.Keys(ctx, prefixOf(id, ""))
	if err == nil && len(keys) == 0 {
		err = noPlugin(id)
	}
	return err
}

func noPlugin(id string) error {
	return core.Refuse(core.CodeNotFound, "", "There is no plugin %q.", "Il n’y a pas d’extension « %s ».", id)
}

// retire turns a plugin off and lets it put things right, while its data is there. One that was uninstalled in this way before has
// done so.
func (h *Host) retire(ctx context.Context, who *core.Principal, o *one, r Removal) error {
	states, err := h.states(ctx)
	if err != nil {
		return err
	}
	s := states[o.id()]
	if s.Uninstalled == r.Data || s.Uninstalled == plugin.DropData { // dropped, there is nothing to keep
		return nil
	}
	if s.Enabled {
		if err := h.change(ctx, who, o.id(), func(s *state) error { s.Enabled, s.Fault = false, ""; return nil }); err != nil {
			return err
		}
	}
	if h.begun.Load() {
		h.follow(ctx)
	}
	if err = o.putRight(ctx, s, r.Data); err == nil || r.Force {
		return nil
	}
	h.logger.Error("a plugin cannot be uninstalled", "plugin", o.id(), "error", err)
	fault := "It could not be uninstalled: " + err.Error()
	if failed := h.change(ctx, who, o.id(), func(s *state) error { s.Fault = fault; return nil }); failed != nil {
		h.logger.Warn("why a plugin could not be uninstalled cannot be recorded", "plugin", o.id(), "error", failed)
	}
	e := core.Refuse(core.CodeConflict, "plugin_failed", "The plugin %s is off and keeps its data: it could not clear up after itself (%s). To uninstall it all the same, send {\"force\": true}.",
		"L’extension %s est désactivée et garde ses données : elle n’a pas pu faire le ménage (%s). Pour la désinstaller malgré tout, envoyez {\"force\": true}.", o.id(), clipped(err.Error()))
	e.Err = err
	return e
}

// putRight has a plugin that has something to put right do so.
func (o *one) putRight(ctx context.Context, s state, data plugin.Disposal) error {
	p, ok := o.Plugin.(plugin.Uninstaller)
	if !ok {
		return nil
	}
	if o.host.safe {
		return errors.New("nothing of it runs in safe mode")
	}
	if o.barred != "" {
		return errors.New(o.barred)
	}
	o.installation.Store(&s.Installation)
	if err := o.guarded("settings", func() error { return o.setUp(s) }); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, uninstallWithin)
	defer cancel()
	return o.timed("uninstall", uninstallWithin, func() error { return p.Uninstall(ctx, o, data) })
}

// clear takes away what earlier installations of a plugin have left: in the store, and in the data directory of this node. It may
// be done again, by several nodes at once, and late: installations are named in their order, and what came after this one stays.
func (h *Host) clear(ctx context.Context, id, installation string) error {
	return errors.Join(h.settleDir(ctx, id, installation), h.clearKeys(ctx, id, installation), h.clearCheckpoints(ctx, id, installation))
}

// clearKeys takes away the plugin's own data, and where its jobs, followers and migrations stood.
func (h *Host) clearKeys(ctx context.Context, id, installation string) error {
	keys, err := h.parts.Log.Keys(ctx, prefixOf(id, ""))
	if err != nil {
		return err
	}
	for _, key := range keys {
		if installationOf(key, id) >= installation {
			continue
		}
		if err := h.parts.Log.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// installationOf is the installation that a key of a plugin is of: see prefixOf. The names of installations, unlike what the keys of
// the first one begin with, begin with a digit.
func installationOf(key, id string) string {
	i, _, _ := strings.Cut(strings.TrimPrefix(key, prefixOf(id, "")), "/")
	if i == "" || i[0] < '0' || i[0] > '9' {
		return ""
	}
	return i
}

// nextInstallation names one that comes after the one before, whatever the clock says.
func nextInstallation(before string, now time.Time) string {
	next := string(core.NewID(now))
	if next <= before {
		return before + next
	}
	return next
}

// clearCheckpoints takes away how far its followers have come.
func (h *Host) clearCheckpoints(ctx context.Context, id, installation string) error {
	known, err := h.parts.Consumers(ctx, id)
	if err != nil {
		return err
	}
	for _, consumer := range known {
		if !ofEarlier(consumer, id, installation) {
			continue
		}
		if err := h.parts.Forget(ctx, consumer); err != nil {
			return err
		}
	}
	return nil
}

// ofEarlier reports whether a consumer is a follower of an installation of the plugin before this one. Of the first one it is told by
// its plugin's ID and a dot alone; what has another dot after that may be one of a plugin with a longer ID, and is left.
func ofEarlier(consumer, id, installation string) bool {
	if of, found := strings.CutPrefix(consumer, id+"@"); found {
		of, _, _ = strings.Cut(of, ".")
		return of < installation
	}
	follower, first := strings.CutPrefix(consumer, id+".")
	return first && installation != "" && !strings.Contains(follower, ".")
}

// clearAll does so for all plugins that were dropped since it was done last, and sees to it that it is done in the end.
func (h *Host) clearAll(states map[string]state) {
	for id, s := range states {
		if s.Installation == "" || h.cleared[id] == s.Installation || h.dry {
			continue
		}
		if h.cleared == nil {
			h.cleared = map[string]string{}
		}
		h.cleared[id] = s.Installation
		h.beside.Go(func() { h.clearAtLast(id, s.Installation) })
	}
}

// clearAtLast clears until it is done; in a command, which nobody would wait for, once.
func (h *Host) clearAtLast(id, installation string) {
	for {
		err := h.clear(h.ctx, id, installation)
		if err == nil || h.ctx.Err() != nil || h.outdated(id, installation) {
			return
		}
		h.notCleared(id, err)
		if h.parts.Errand {
			return
		}
		select {
		case <-time.After(lookAgain):
		case <-h.ctx.Done():
			return
		}
	}
}

// outdated reports whether the plugin's data is of another installation by now, which is then cleared for.
func (h *Host) outdated(id, installation string) bool {
	states, err := h.states(h.ctx)
	return err == nil && states[id].Installation != installation
}

// fresh stands for the installation of a directory that a command has begun, before this node knew which one there is.
const fresh = "*"

// settleDir sees to it that a plugin's own directory on this node is none of an earlier installation, nor are its views, which
// are each node's own too.
func (h *Host) settleDir(ctx context.Context, id, installation string) error {
	if h.parts.Dir == "" {
		return nil
	}
	h.dirs.Lock()
	defer h.dirs.Unlock()
	was, err := os.ReadFile(installationFile(h.parts.Dir, id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if installation == "" && string(was) == fresh { // what the command has begun is of the first one
		return os.Remove(installationFile(h.parts.Dir, id))
	}
	if string(was) >= installation { // fresh comes before all names
		return nil
	}
	if err := h.parts.Views.DropViews(ctx, id); err != nil {
		return err
	}
	if string(was) != fresh {
		if err := os.RemoveAll(filepath.Join(h.parts.Dir, id)); err != nil {
			return err
		}
	}
	return noteInstallation(h.parts.Dir, id, installation)
}

// installationFile says of which installation a plugin's directory is. No plugin's ID begins with a dot.
func installationFile(dir, id string) string { return filepath.Join(dir, ".installations", id) }

func noteInstallation(dir, id, installation string) error {
	file := installationFile(dir, id)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(installation), 0o600)
}

// noteFresh notes that a command is about to begin a plugin's directory, where there is none.
func noteFresh(dir, id string) error {
	for _, path := range []string{filepath.Join(dir, id), installationFile(dir, id)} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return noteInstallation(dir, id, fresh)
}
