// Package scaffold writes the beginning of a plugin: one that compiles, has a test and can be run.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"text/template"
)

const palabre = "github.com/palabre-cms/palabre"

//go:embed templates
var templates embed.FS

// files are what is written, and from which template.
var files = []struct{ name, template string }{
	{"go.mod", "go.mod.tmpl"}, {"plugin.go", "plugin.go.tmpl"}, {"article.json", "article.json.tmpl"}, {"plugin_test.go", "plugin_test.go.tmpl"},
	{"cmd/palabre/main.go", "main.go.tmpl"}, {"README.md", "README.md.tmpl"},
}

// Plugin is what the templates are filled in with.
type Plugin struct {
	ID, Name, Package, Module string
	Version                   string   // of Palabre
	Replace                   string   // a checkout of Palabre to build with; "" for the released module
	Go                        string   // the version of the language
	Requires                  []string // with Replace: what Palabre requires, so that nothing has to be looked up
	Excludes                  []string // likewise what it excludes: "exclude …"
	sums                      []byte
}

// Palabre is the module of Palabre.
func (Plugin) Palabre() string { return palabre }

var validName = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z][a-z0-9]*)*$`)

// taken are names that the templates use for something else, or that Go does.
var taken = []string{"main", "internal", "vendor", "all", "append", "cli", "core", "plugin", "plugintest", "testing", "t"}

// reserved begins the IDs of the plugins that come with Palabre.
const reserved = "dev.palabre."

// New makes what the templates need of a name: "slugger", or an ID such as "dev.acme.slugger". version is that of the program.
func New(name, version, replace string) (*Plugin, error) {
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("%q: name a plugin in lower case, such as slugger, or by the ID that it will have, such as dev.acme.slugger", name)
	}
	if strings.HasPrefix(name, reserved) {
		return nil, fmt.Errorf("%q: IDs that begin with %s are those of the plugins that come with Palabre; begin with a domain of your own", name, strings.TrimSuffix(reserved, "."))
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if token.IsKeyword(last) || slices.Contains(taken, last) {
		return nil, fmt.Errorf("%q cannot be the name of the plugin's package: the last word of its name must be another", last)
	}
	p := &Plugin{ID: name, Package: last, Name: strings.ToUpper(last[:1]) + last[1:], Version: released(version)}
	if !strings.Contains(name, ".") {
		p.ID = "org.example." + name
	}
	p.Module = moduleOf(p.ID)
	if replace == "" {
		p.Go = goVersion()
		return p, nil
	}
	return p, p.buildWith(replace)
}

// moduleOf turns dev.acme.slugger into acme.dev/slugger.
func moduleOf(id string) string {
	parts := strings.Split(id, ".")
	if len(parts) == 2 {
		return strings.Join(parts, "/")
	}
	return parts[1] + "." + parts[0] + "/" + strings.Join(parts[2:], "/")
}

var release = regexp.MustCompile(`^v?(\d+\.\d+\.\d+)$`)

// Unreleased stands for the version of Palabre in a program that was built between releases.
const Unreleased = "v0.0.0"

// released is the version of the module that a program was built from.
func released(version string) string {
	if m := release.FindStringSubmatch(version); m != nil {
		return "v" + m[1]
	}
	return Unreleased
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		if v, ok := strings.CutPrefix(info.GoVersion, "go"); ok {
			v, _, _ = strings.Cut(v, " ")
			return v
		}
	}
	return "1.26.0"
}

var (
	goLine      = regexp.MustCompile(`(?m)^go (\S+)`)
	excludeLine = regexp.MustCompile(`(?m)^exclude \S+ v\S+`)
	requireLine = regexp.MustCompile(`(?m)^\t(\S+ v\S+)`)
)

// buildWith takes over what a checkout of Palabre requires.
func (p *Plugin) buildWith(checkout string) error {
	dir, err := filepath.Abs(checkout)
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !bytes.Contains(mod, []byte("module "+palabre+"\n")) {
		return fmt.Errorf("%s is no checkout of %s: it has no go.mod of that module", checkout, palabre)
	}
	if p.sums, err = os.ReadFile(filepath.Join(dir, "go.sum")); err != nil {
		return err
	}
	p.Replace = filepath.ToSlash(dir)
	if m := goLine.FindSubmatch(mod); m != nil {
		p.Go = string(m[1])
	}
	for _, m := range requireLine.FindAllSubmatch(mod, -1) {
		p.Requires = append(p.Requires, string(m[1]))
	}
	for _, line := range excludeLine.FindAll(mod, -1) {
		p.Excludes = append(p.Excludes, string(line))
	}
	return nil
}

// Write writes the plugin into a directory, which must be empty or not there, and gives the names of the files.
func (p *Plugin) Write(dir string) ([]string, error) {
	if entries, err := os.ReadDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	} else if len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: name another directory with --dir", dir)
	}
	all := template.Must(template.ParseFS(templates, "templates/*.tmpl"))
	var written []string
	for _, f := range files {
		var text bytes.Buffer
		if err := all.ExecuteTemplate(&text, f.template, p); err != nil {
			return written, err
		}
		if err := write(dir, f.name, text.Bytes()); err != nil {
			return written, err
		}
		written = append(written, f.name)
	}
	if p.sums == nil {
		return written, nil
	}
	return append(written, "go.sum"), write(dir, "go.sum", p.sums)
}

func write(dir, name string, text []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
