package pluginhost

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
)

const base = "/api/v1/plugins"

// turnWithin is how long a plugin may take to be stopped and started, each step as long as it may.
const turnWithin = startWithin + 4*stopWithin

// Routes are those of the plugins, each answering only while its plugin is on, and those by which plugins are looked after.
func (h *Host) Routes() []core.Route {
	routes := []core.Route{
		{Method: "GET", Path: base, Name: "listPlugins", Summary: "The plugins: on or off, and what they do", Serve: h.managed(h.list)},
		{Method: "GET", Path: base + "/{plugin}", Name: "readPlugin", Summary: "A plugin, its settings and how it goes", Serve: h.managed(h.read)},
		{Method: "PATCH", Path: base + "/{plugin}", Name: "changePlugin", Summary: "Turn a plugin on or off, change its settings, or the stages of its handlers: {\"enabled\", \"settings\", \"stages\"}", Timeout: turnWithin, Serve: h.managed(h.patch)},
		{Method: "POST", Path: base + "/{plugin}/uninstall", Name: "uninstallPlugin", Summary: "Uninstall a plugin: {\"data\": \"keep-data\" or \"drop-data\", \"confirm\": its ID where data goes, \"force\"}",
			Timeout: 2 * uninstallWithin, Serve: h.managed(h.uninstall)},
		{Method: "GET", Path: base + "/{plugin}/failures", Name: "listPluginFailures", Summary: "The changes that a plugin has yet to be told of again, or never coped with", Serve: h.managed(h.listFailures)},
		{Method: "POST", Path: base + "/{plugin}/failures/replay", Name: "replayPluginFailures", Summary: "Tell a plugin once more of what it never coped with: {\"event\"}, or all", Serve: h.managed(h.replayFailures)},
		{Method: "GET", Path: "/api/v1/plugin-order", Name: "listPluginOrder", Summary: "Which handlers run at each event, in their order", Serve: h.managed(h.showOrder)},
		{Method: "GET", Path: "/api/v1/plugin-ui", Name: "listPluginUI", Summary: "What the plugins contribute to the admin", Serve: h.showUI},
	}
	for _, o := range h.plugins {
		for _, r := range o.Routes {
			routes = append(routes, h.gated(o, r))
		}
	}
	return routes
}

// gated answers for a plugin while it is on: else the address is not there.
func (h *Host) gated(o *one, r core.Route) core.Route {
	r.On = o.on.Load
	if ask := r.Ask; ask != nil {
		r.Ask = func(ctx context.Context, q *core.RouteRequest) (p *core.Pending, err error) {
			if !o.on.Load() {
				return nil, errOff()
			}
			states := h.parts.Catalog.Version(Type)
			gerr := o.guarded("route "+r.Name, func() error { p, err = ask(ctx, q); return faultOnly(err) })
			if err == nil && gerr != nil {
				return nil, o.failed(gerr)
			}
			if p != nil {
				p.Types = append(p.Types, Type) // turned off, what it has answered goes too
				answer := p.Answer
				p.Answer = func(ctx context.Context) (*core.Answer, error) {
					a, err := o.answer(ctx, r.Name, answer)
					if err == nil && !h.upTo(states) {
						a.Until = h.now() // made with settings that have changed meanwhile: for this caller alone
					}
					return a, err
				}
			}
			return p, o.failed(err)
		}
	}
	if serve := r.Serve; serve != nil {
		r.Serve = func(w http.ResponseWriter, q *core.RouteRequest) (err error) {
			if !o.on.Load() {
				return errOff()
			}
			if gerr := o.guarded("route "+r.Name, func() error { err = serve(w, q); return faultOnly(err) }); err == nil {
				err = gerr
			}
			return o.failed(err)
		}
	}
	return r
}

// upTo reports whether the plugins' states are those of a version still, and were taken over here.
func (h *Host) upTo(states uint64) bool {
	return h.version.Load() == states+1 && h.parts.Catalog.Version(Type) == states
}

func (o *one) answer(ctx context.Context, name string, answer func(context.Context) (*core.Answer, error)) (a *core.Answer, err error) {
	if gerr := o.guarded("route "+name, func() error { a, err = answer(ctx); return faultOnly(err) }); err == nil && gerr != nil {
		err = gerr
	}
	return a, o.failed(err)
}

// faultOnly leaves out what is an answer to the caller rather than something gone wrong.
func faultOnly(err error) error {
	if e, ok := core.AsError(err); ok && e.Code != core.CodeInternal {
		return nil
	}
	return err
}

// failed is what the caller hears of a plugin's fault: which plugin it was, and no more.
func (o *one) failed(err error) error {
	if err == nil || faultOnly(err) == nil {
		return err
	}
	e := core.Refuse(core.CodeUnavailable, "plugin_failed", "The plugin %s failed. Try again, or tell an administrator.",
		"L’extension %s a échoué. Réessayez ou prévenez un administrateur.", o.id())
	e.Extra, e.Err = map[string]any{"plugin": o.id(), "httpStatus": http.StatusBadGateway}, err
	return e
}

func errOff() error {
	return core.Refuse(core.CodeNotFound, "", "There is nothing at this address.", "Il n’y a rien à cette adresse.")
}

type served func(w http.ResponseWriter, q *core.RouteRequest) error

// managed asks for the right to manage plugins.
func (h *Host) managed(serve served) served {
	return func(w http.ResponseWriter, q *core.RouteRequest) error {
		t, ok := h.parts.Types.Type(Type)
		if !ok {
			return core.NoType(Type)
		}
		if _, err := h.parts.Access.Scope(q.Context(), q.Who, t, core.ActionManage); err != nil {
			return err
		}
		return serve(w, q)
	}
}

// description is a plugin as the API shows it.
type description struct {
	Standing
	Description  core.Text             `json:"description,omitempty"`
	License      string                `json:"license,omitempty"`
	Running      bool                  `json:"running"` // on this node
	Migrating    bool                  `json:"migrating,omitempty"`
	Capabilities plugin.Capabilities   `json:"capabilities"`
	Writes       []string              `json:"writes,omitempty"`
	Routes       []routeLine           `json:"routes,omitempty"`
	Jobs         []jobLine             `json:"jobs,omitempty"`
	Settings     map[string]any        `json:"settings,omitempty"`
	Stages       map[string]any        `json:"stages,omitempty"` // where the site wants its handlers to run
	Schema       json.RawMessage       `json:"schema,omitempty"`
	UI           []plugin.Contribution `json:"ui,omitempty"`
	Words        *words                `json:"words,omitempty"`
	Health       string                `json:"health,omitempty"`
	Views        []core.ViewStatus     `json:"views,omitempty"`
	Calls        map[string]stat       `json:"calls,omitempty"`
}

// words are the names that a plugin adds to schemas, and the events that it offers others.
type words struct {
	Annotations []string `json:"annotations,omitempty"`
	Formats     []string `json:"formats,omitempty"`
	Computed    []string `json:"computed,omitempty"`
	Events      []string `json:"events,omitempty"`
}

func (o *one) words() *words {
	w := &words{Events: o.Offers}
	for _, a := range o.Vocabulary.Annotations {
		w.Annotations = append(w.Annotations, a.Name)
	}
	for _, f := range o.Vocabulary.Formats {
		w.Formats = append(w.Formats, f.Name)
	}
	for _, c := range o.Vocabulary.Computations {
		w.Computed = append(w.Computed, c.Name)
	}
	if len(w.Annotations)+len(w.Formats)+len(w.Computed)+len(w.Events) == 0 {
		return nil
	}
	return w
}

type routeLine struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Public bool   `json:"public"`
}

type jobLine struct {
	Name  string     `json:"name"`
	Spec  string     `json:"spec"`
	Next  *time.Time `json:"next,omitempty"`
	Error string     `json:"lastError,omitempty"`
}

func (h *Host) describe(o *one, s Standing) description {
	if o.turn.TryLock() { // a plugin that takes long to start keeps nobody from looking
		if o.reason != "" {
			s.Fault = o.reason
		}
		o.turn.Unlock()
	} else if s.Fault == "" && !o.on.Load() {
		s.Fault = "It is being turned on or off."
	}
	m := &o.Manifest
	d := description{Standing: s, Description: m.Description, License: m.License, Running: o.on.Load(), Migrating: o.migrates.Load(),
		Capabilities: m.Capabilities, Writes: m.Writes}
	for _, r := range o.Routes {
		d.Routes = append(d.Routes, routeLine{r.Method, r.Path, r.Public})
	}
	return d
}

func (h *Host) list(w http.ResponseWriter, q *core.RouteRequest) error {
	states, err := h.states(q.Context())
	if err != nil {
		return err
	}
	data := []description{}
	for _, s := range h.standings(states) {
		if o := h.find(s.ID); o != nil {
			data = append(data, h.describe(o, s))
		} else {
			data = append(data, description{Standing: s})
		}
	}
	return respond(w, map[string]any{"data": data})
}

// named is the plugin that the path names.
func (h *Host) named(q *core.RouteRequest) (*one, error) {
	if o := h.find(q.Value("plugin")); o != nil {
		return o, nil
	}
	return nil, noPlugin(q.Value("plugin"))
}

func (h *Host) read(w http.ResponseWriter, q *core.RouteRequest) error {
	states, err := h.states(q.Context())
	if err != nil {
		return err
	}
	all := h.standings(states)
	at := slices.IndexFunc(all, func(s Standing) bool { return s.ID == q.Value("plugin") })
	if at < 0 {
		return noPlugin(q.Value("plugin"))
	}
	o := h.find(all[at].ID)
	if o == nil {
		return respond(w, description{Standing: all[at]})
	}
	s, d := states[o.id()], h.describe(o, all[at])
	d.Settings, d.Schema, d.Stages, d.UI, d.Calls = o.shown(s), o.Manifest.Settings, s.Stages, o.UI, o.figures()
	d.Words, d.Views = o.words(), o.host.parts.Views.Views(o.id())
	for _, j := range o.Jobs {
		line := jobLine{Name: j.Name, Spec: j.Spec}
		if r, version, err := h.load(q.Context(), o.prefix()+"job/"+j.Name); err == nil && version > 0 {
			line.Next, line.Error = &r.Next, r.Error
		}
		d.Jobs = append(d.Jobs, line)
	}
	if c, ok := o.Plugin.(plugin.HealthChecker); ok && d.Running {
		if err := o.guarded("health", func() error { return c.Health(q.Context()) }); err != nil {
			d.Health = err.Error()
		}
	}
	return respond(w, d)
}

// maxSettings is the most that a change of settings weighs.
const maxSettings = 256 << 10

func (h *Host) patch(w http.ResponseWriter, q *core.RouteRequest) error {
	o, err := h.named(q)
	if err != nil {
		return err
	}
	body, err := bodyOf(q)
	if err != nil {
		return err
	}
	if err := (shape{"enabled": aBool, "settings": anObject, "stages": anything}).check(body); err != nil {
		return err
	}
	err = h.changeAlone(q.Context(), q.Who, o.id(), func(s *state) error {
		if on, ok := body["enabled"].(bool); ok {
			s.Enabled, s.Fault = on, ""
			if on {
				s.Uninstalled = "" // it is installed anew
			}
		}
		if patch, ok := body["settings"].(map[string]any); ok {
			if err := o.edit(q.Context(), q.Who, s, patch); err != nil {
				return under(err, "/settings")
			}
		}
		if patch, ok := body["stages"]; ok {
			return under(h.editStages(q.Context(), o, s, patch), "/stages")
		}
		return nil
	})
	if err != nil {
		return err
	}
	h.follow(q.Context())
	return h.read(w, q)
}

func (h *Host) uninstall(w http.ResponseWriter, q *core.RouteRequest) error {
	body := map[string]any{}
	if q.ContentLength != 0 {
		var err error
		if body, err = bodyOf(q); err != nil {
			return err
		}
	}
	if err := (shape{"data": aText, "confirm": aText, "force": aBool}).check(body); err != nil {
		return err
	}
	data, _ := body["data"].(string)
	r := Removal{Data: plugin.Disposal(data)}
	r.Confirm, _ = body["confirm"].(string)
	r.Force, _ = body["force"].(bool)
	if _, err := h.Uninstall(q.Context(), q.Who, q.Value("plugin"), r); err != nil {
		return err
	}
	h.follow(q.Context())
	return h.read(w, q)
}

// shape is the members that a body may have, each with what it has to be: nothing is taken for what it is not.
type shape map[string]kind

// kind says what a member is. The zero kind is anything.
type kind struct {
	is     func(v any) bool
	en, fr string
}

var (
	anything = kind{}
	aBool    = kind{func(v any) bool { _, ok := v.(bool); return ok }, "true or false", "true ou false"}
	aText    = kind{func(v any) bool { _, ok := v.(string); return ok }, "a text", "un texte"}
	anObject = kind{func(v any) bool { _, ok := v.(map[string]any); return ok }, "an object", "un objet"}
)

// check refuses a body of another shape.
func (s shape) check(body map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		k, known := s[name]
		if !known {
			list := strings.Join(slices.Sorted(maps.Keys(s)), ", ")
			return core.Refuse(core.CodeBadRequest, "unknown_member", "There is no member %q: send %s.", "Le membre %q n’existe pas : envoyez %s.", name, list)
		}
		if k.is != nil && !k.is(body[name]) {
			texts := core.Text{"en": fmt.Sprintf("The member %q is %s.", name, k.en), "fr": fmt.Sprintf("Le membre %q est %s.", name, k.fr)}
			return &core.Error{Code: core.CodeBadRequest, Reason: "member", Message: texts["en"], Texts: texts}
		}
	}
	return nil
}

// under moves the places of a refusal below the member that the settings were sent in.
func under(err error, pointer string) error {
	e, ok := core.AsError(err)
	if !ok {
		return err
	}
	moved := *e
	moved.Fields = slices.Clone(e.Fields)
	for i := range moved.Fields {
		moved.Fields[i].Pointer = pointer + moved.Fields[i].Pointer
	}
	return &moved
}

func bodyOf(q *core.RouteRequest) (map[string]any, error) {
	text, err := readAll(q)
	if err != nil {
		return nil, err
	}
	return jsondoc.DecodeObject(text, jsondoc.Default)
}

func (h *Host) listFailures(w http.ResponseWriter, q *core.RouteRequest) error {
	o, err := h.named(q)
	if err != nil {
		return err
	}
	waiting, dead, err := h.failures(q.Context(), o)
	if err != nil {
		return err
	}
	return respond(w, map[string]any{"waiting": orEmpty(waiting), "dead": orEmpty(dead)})
}

func orEmpty(l []*letter) []*letter {
	if l == nil {
		return []*letter{}
	}
	return l
}

func (h *Host) replayFailures(w http.ResponseWriter, q *core.RouteRequest) error {
	o, err := h.named(q)
	if err != nil {
		return err
	}
	body := map[string]any{}
	if q.ContentLength != 0 {
		if body, err = bodyOf(q); err != nil {
			return err
		}
	}
	if err := (shape{"event": aText}).check(body); err != nil {
		return err
	}
	event, _ := body["event"].(string)
	n, err := h.replay(q.Context(), o, event)
	if err != nil {
		return err
	}
	if n == 0 && event != "" {
		return core.Refuse(core.CodeNotFound, "", "There is no such event among those that failed.", "Cet événement n’est pas parmi ceux qui ont échoué.")
	}
	return respond(w, map[string]any{"replayed": n})
}

func (h *Host) showOrder(w http.ResponseWriter, _ *core.RouteRequest) error {
	order := h.Order()
	ids := map[string][]string{}
	for event, places := range order {
		for _, p := range places {
			ids[event] = append(ids[event], p.Handler)
		}
	}
	return respond(w, map[string]any{"data": ids, "handlers": order})
}

func (h *Host) showUI(w http.ResponseWriter, _ *core.RouteRequest) error {
	type line struct {
		Plugin string `json:"plugin"`
		plugin.Contribution
	}
	data := []line{}
	for _, o := range h.plugins {
		if o.on.Load() {
			for _, c := range o.UI {
				data = append(data, line{o.id(), c})
			}
		}
	}
	return respond(w, map[string]any{"data": data})
}

func respond(w http.ResponseWriter, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return core.Wrap("pluginhost.respond", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	_, _ = w.Write(text) // a caller who does not listen any more is told nothing
	return nil
}

func readAll(q *core.RouteRequest) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(q.Body, maxSettings+1))
	if err != nil {
		return nil, core.Refuse(core.CodeBadRequest, "", "The body ended before it was whole.", "Le corps de la requête s’est interrompu.")
	}
	if len(text) > maxSettings {
		return nil, core.Refuse(core.CodeTooLarge, "", "The body has more than %d bytes.", "Le texte dépasse %d octets.", maxSettings)
	}
	return text, nil
}
