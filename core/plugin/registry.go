package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
)

// Registry takes what one plugin registers.
type Registry struct {
	*Registered
	hooks *core.Hooks
	gate  Gate
}

// Registered is what a plugin has put in place. It is the node's to use.
type Registered struct {
	Manifest   Manifest
	Plugin     Plugin
	Followers  []Follower
	Jobs       []Job
	Routes     []core.Route
	Types      []json.RawMessage // JSON Schemas
	Vocabulary core.Vocabulary
	Commands   []Command
	UI         []Contribution
	Offers     []string // names of events
	Migrations []Migration
	Views      []View
	// SetUp looks at the plugin's settings before they are saved, and before it starts with them. It refuses what does not fit,
	// and gives what makes them count.
	SetUp []func(settings json.RawMessage) (use func(), err error)
	// Fits looks at settings that somebody changes: whether they fit the site as it is.
	Fits []func(ctx context.Context, h Host, by *core.Principal, was, is json.RawMessage) error
}

// Gate is what the node puts around every call of a plugin's code.
type Gate interface {
	// Open reports whether the plugin's handlers take part now: it is on, and is not itself the cause of the operation.
	Open(ctx context.Context) bool
	// On reports whether the plugin is on.
	On() bool
	// Called is told of each call: how long it took and what came of it.
	Called(what string, took time.Duration, err error)
	// Failed is told of a fault outside of the chains of hooks.
	Failed(what string, err error)
}

// Register asks a plugin for its manifest and lets it register, with its handlers in hooks. With an error nothing of it stays.
func Register(p Plugin, hooks *core.Hooks, gate Gate) (*Registered, error) {
	m := p.Manifest()
	if err := m.Check(); err != nil {
		return nil, err
	}
	r := &Registry{Registered: &Registered{Manifest: m, Plugin: p}, hooks: hooks, gate: gate}
	if err := r.register(p); err != nil {
		Remove(hooks, m.ID)
		return nil, fmt.Errorf("plugin %s: %w", m.ID, err)
	}
	return r.Registered, nil
}

func (r *Registry) register(p Plugin) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return p.Register(r)
}

// chain is what the chains of all events have in common.
type chain = core.OfferedChain

// chains are those of all events, by the events' names.
func chains(hooks *core.Hooks) map[string]chain {
	all := map[string]chain{"query.plan": &hooks.QueryPlan, "entry.read": &hooks.EntryRead, "schema.change": &hooks.SchemaChange}
	for _, p := range entryPoints {
		all[p.name] = p.chain(hooks)
	}
	for name, c := range hooks.Offered.All() {
		all[name] = c
	}
	return all
}

// Remove takes a plugin's handlers out of hooks.
func Remove(hooks *core.Hooks, id string) {
	for _, c := range chains(hooks) {
		c.Remove(id)
	}
}

// Places gives the resolved chain of every event that somebody listens to.
func Places(hooks *core.Hooks) map[string][]hook.Placed {
	all := map[string][]hook.Placed{}
	for name, c := range chains(hooks) {
		if places := c.Places(); len(places) > 0 {
			all[name] = places
		}
	}
	return all
}

// Stages are where handlers run that a site wants elsewhere than they were registered, by event and by the handler's ID.
type Stages map[string]map[string]hook.Stage

// CanPlace says why the handlers cannot run so: a hook.Cycle.
func CanPlace(hooks *core.Hooks, stages Stages) error {
	all := chains(hooks)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := all[name].CanPlace(stages[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Place has the handlers run so. A chain for which it cannot be runs as it was registered; the error tells of all of them.
func Place(hooks *core.Hooks, stages Stages) error {
	var failures []error
	for name, c := range chains(hooks) {
		if err := c.Place(stages[name]); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", name, err), c.Place(nil))
		}
	}
	return errors.Join(failures...)
}

// Split takes a handler's ID apart, "dev.acme.slugger/entry.create".
func Split(handler string) (plugin, name string) {
	plugin, name, _ = strings.Cut(handler, "/")
	return plugin, name
}

// Get answers an address with what may be kept: a check, and then the answer, which comes out of the response cache while
// what it is made from stands. path is below the plugin's own prefix, /x/{id}, or begins with one of Capabilities.Prefixes.
func Get(r *Registry, path, name, summary string, ask func(ctx context.Context, q *core.RouteRequest) (*core.Pending, error), given ...RouteOption) error {
	return r.route(core.Route{Method: "GET", Path: path, Name: name, Summary: summary, Ask: ask}, given)
}

// Handle answers an address in any other way.
func Handle(r *Registry, method, path, name, summary string, serve func(w http.ResponseWriter, q *core.RouteRequest) error, given ...RouteOption) error {
	return r.route(core.Route{Method: method, Path: path, Name: name, Summary: summary, Serve: serve}, given)
}

// RouteOption says more of a route.
type RouteOption func(*core.Route)

// Public lets anyone call a route. Without it, whoever is signed in may, and the plugin asks for rights by acting as him.
func Public() RouteOption { return func(r *core.Route) { r.Public = true } }

// Page has the home page link to a route, which shows something to people.
func Page(label core.Text) RouteOption { return func(r *core.Route) { r.Page = label } }

// ForAtMost bounds the time of a route; 5 s without it.
func ForAtMost(d time.Duration) RouteOption { return func(r *core.Route) { r.Timeout = d } }

// BodyUpTo bounds the body of a route; 1 MiB without it.
func BodyUpTo(bytes int64) RouteOption { return func(r *core.Route) { r.BodyBytes = bytes } }

func (r *Registry) route(route core.Route, given []RouteOption) error {
	route.Plugin = r.Manifest.ID
	if !strings.HasPrefix(route.Path, "/") || route.Serve == nil && route.Ask == nil {
		return fmt.Errorf("the route %s %q needs a path that begins with a slash, and a function", route.Method, route.Path)
	}
	if !r.claims(route.Path) {
		route.Path = "/x/" + r.Manifest.ID + route.Path
	}
	if !validPath.MatchString(route.Path) || route.Name == "" {
		return fmt.Errorf("the route %s %s needs a name, and a path like /things/{thing}: no slash at its end, and braces around whole parts only", route.Method, route.Path)
	}
	for _, have := range r.Routes {
		if have.Name == route.Name || have.Method == route.Method && have.Path == route.Path {
			return fmt.Errorf("the route %s %s is registered twice", route.Method, route.Path)
		}
		if a, b := renamed(have.Path, route.Path); have.Method == route.Method && a != b {
			return fmt.Errorf("the routes %s and %s call the same part of the path %s and %s: give it one name", have.Path, route.Path, a, b)
		}
	}
	for _, o := range given {
		o(&route)
	}
	r.Routes = append(r.Routes, route)
	return nil
}

// validPath is a path of which any part may be a parameter.
var validPath = regexp.MustCompile(`^(/([^/{}:*]+|\{[a-zA-Z][a-zA-Z0-9]*\}))+$`)

// renamed finds what two paths call a part that is the same in both, where they call it differently.
func renamed(one, two string) (a, b string) {
	as, bs := strings.Split(one, "/"), strings.Split(two, "/")
	for i := range min(len(as), len(bs)) {
		if as[i] == bs[i] {
			continue
		}
		if strings.HasPrefix(as[i], "{") && strings.HasPrefix(bs[i], "{") {
			return as[i], bs[i]
		}
		break
	}
	return "", ""
}

// claims reports whether a path lies under one of the plugin's own prefixes.
func (r *Registry) claims(path string) bool {
	for _, prefix := range r.Manifest.Capabilities.Prefixes {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return false
}

// Job is work on a timetable.
type Job struct {
	Name string
	// Spec is when: five fields as cron has them (minute, hour, day of month, month, day of week), or "@hourly", "@every 10m".
	// Times are UTC.
	Spec string
	// Skip passes over a time at which no node was there; without it the job is done once when one is there again, however
	// many times were missed.
	Skip bool
	// Within bounds a run; 1 minute when 0, 10 at most.
	Within time.Duration
	Run    func(ctx context.Context, h Host) error
}

// Every does work on a timetable: on one node of the cluster, at least once for each time, again after an error.
func Every(r *Registry, j Job) error {
	if j.Name == "" || j.Run == nil {
		return fmt.Errorf("a job needs a name and a function")
	}
	for _, have := range r.Jobs {
		if have.Name == j.Name {
			return fmt.Errorf("the job %s is registered twice", j.Name)
		}
	}
	r.Jobs = append(r.Jobs, j)
	return nil
}

// Types brings content types, as JSON Schemas. They are applied as those of the site are, and stay when the plugin goes.
func Types(r *Registry, schemas ...[]byte) {
	for _, s := range schemas {
		r.Registered.Types = append(r.Registered.Types, json.RawMessage(s))
	}
}

// Command is a command of the command line: palabre {group} {name}.
type Command struct {
	Group   string // of the plugin's commands: "geo"
	Use     string // "import FILE"
	Short   string
	Long    string
	Example string
	Flags   []Flag
	// Files says that the command works on the plugin's own directory alone, and not on the store: it runs beside a server too.
	Files bool
	// Run does it. Its arguments are as many as Use has words in capitals.
	Run func(ctx context.Context, c *CommandCall) error
}

// Flag is a flag of a command: a text, which may be given several times.
type Flag struct{ Name, Default, Usage string }

// CommandCall is one call of a command.
type CommandCall struct {
	Host  Host   // nil for a command on files
	Dir   string // the plugin's own directory; for a command on files it may have to be made
	Args  []string
	Flags map[string][]string
	Out   io.Writer // for what the person asked for
	Err   io.Writer // for progress and warnings
}

// Flag gives the last value of a flag.
func (c *CommandCall) Flag(name string) string {
	if v := c.Flags[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// Commands adds commands to the command line.
func Commands(r *Registry, commands ...Command) {
	r.Registered.Commands = append(r.Registered.Commands, commands...)
}

// Contribution is something that the admin shows: data, never script in the admin's own page.
type Contribution struct {
	Slot  string          `json:"slot"` // "menu", "entry.sidebar", "entry.action", "field", "page"
	Name  string          `json:"name"`
	Label core.Text       `json:"label"`
	Icon  string          `json:"icon,omitempty"`
	Types []core.TypeName `json:"types,omitempty"`
	Src   string          `json:"src,omitempty"` // an address of the plugin: an ES module of a web component, or a page for a frame
}

// UI declares what the admin shows of the plugin.
func UI(r *Registry, contributions ...Contribution) {
	r.Registered.UI = append(r.Registered.UI, contributions...)
}

// note measures a call of the plugin's code. A considered no is no error of it.
func (r *Registry) note(what string, began time.Time, err error) {
	if no := hook.Refusal(nil); errors.As(err, &no) {
		err = nil
	}
	r.gate.Called(what, time.Since(began), err)
}
