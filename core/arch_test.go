package core_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/palabre-cms/palabre"

// drivers are the foreign packages that exactly one of ours may import, so that each can be replaced in one place.
var drivers = map[string]string{
	"github.com/gin-gonic/gin":              "core/internal/httpapi",
	"go.mongodb.org/mongo-driver":           "core/internal/log/mongolog",
	"modernc.org/sqlite":                    "core/internal/sqlite",
	"github.com/santhosh-tekuri/jsonschema": "core/internal/schema",
	"github.com/blevesearch/bleve":          "core/internal/catalog/text",
	"github.com/minio/minio-go":             "core/internal/media/s3bucket",
	"github.com/casbin/casbin":              "core/internal/access",
	"github.com/FerretDB/FerretDB":          "core/internal/log/ferrettest",
	"github.com/go-json-experiment/json":    "core/jsondoc",
	"github.com/wneessen/go-mail":           "core/internal/mail",
	"github.com/coreos/go-oidc":             "core/internal/oidc",
	"golang.org/x/oauth2":                   "core/internal/oidc",
	"github.com/robfig/cron":                "core/internal/pluginhost",
	"github.com/expr-lang/expr":             "core/internal/schema",
}

// leaves are packages of core/internal that know nothing of the others and that anyone there may use.
var leaves = []string{"core/internal/computed", "core/internal/email", "core/internal/folding", "core/internal/spelling", "core/internal/sqlite"}

// A goFile is what the rules look at. Parsing the files, rather than asking the go command, keeps the test from being
// answered out of the test cache.
type goFile struct {
	path    string // "core/internal/log/log.go"
	dir     string
	test    bool
	pkg     string
	doc     bool
	imports []string
	names   map[string]string // what each import is called here → its path
	decls   []ast.Decl
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != ".." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "data") {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".go") {
			files = append(files, parse(t, path))
		}
		return nil
	})
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	return files
}

func parse(t *testing.T, path string) goFile {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	rel := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(os.PathSeparator)))
	g := goFile{path: rel, dir: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(rel, "_test.go"), pkg: f.Name.Name, doc: f.Doc != nil, decls: f.Decls, names: map[string]string{}}
	for _, imp := range f.Imports {
		name, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		g.imports = append(g.imports, name)
		g.names[called(imp, name)] = name
	}
	return g
}

func called(imp *ast.ImportSpec, name string) string {
	if imp.Name != nil {
		return imp.Name.Name
	}
	return packageName(name)
}

func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".")
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		for _, name := range f.imports {
			if why := forbidden(f, name); why != "" {
				t.Errorf("%s imports %s: %s", f.path, name, why)
			}
		}
	}
}

// forbidden says why a file must not import a package, or "".
func forbidden(f goFile, name string) string {
	for driver, home := range drivers {
		if under(name, driver) && !under(f.dir, home) && !(f.test && driver == "github.com/gin-gonic/gin" && under(f.dir, "core/internal")) {
			return "only " + home + " may"
		}
	}
	ours, isOurs := strings.CutPrefix(name, module+"/")
	if f.test {
		return "" // a test may use the real things instead of doubles
	}
	switch {
	case f.dir == "core":
		if !standard(name) && ours != "core/hook" {
			return "package core holds the nouns: it imports the standard library and core/hook"
		}
	case f.dir == "core/hook":
		if !standard(name) {
			return "the chain knows nothing of the CMS"
		}
	case under(f.dir, "core/internal") && isOurs:
		return sibling(f.dir, ours)
	case under(f.dir, "plugins") && isOurs:
		return outsider(f.dir, ours)
	}
	return ""
}

// sibling keeps the packages of core/internal apart: what they need of each other is an interface of core.
func sibling(dir, ours string) string {
	own := strings.Join(strings.Split(dir, "/")[:3], "/")
	if !under(ours, "core/internal") {
		if slices.Contains([]string{"core", "core/hook", "core/jsondoc"}, ours) || own == "core/internal/pluginhost" && ours == "core/plugin" {
			return ""
		}
		return "packages of core/internal know core, core/hook and core/jsondoc"
	}
	if under(ours, own) || slices.Contains(leaves, ours) {
		return ""
	}
	return "siblings know each other through interfaces of core only"
}

func outsider(dir, ours string) string {
	own := strings.Join(strings.Split(dir, "/")[:2], "/")
	if under(ours, own) || dir == "plugins/all" || slices.Contains([]string{"core", "core/hook", "core/plugin", "core/jsondoc", "core/plugin/plugintest"}, ours) {
		return ""
	}
	return "a plugin knows core, core/hook, core/jsondoc and core/plugin, never another plugin"
}

// An exported declaration that mentions a driver's type would let it out of its package.
func TestDriversStayInside(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		aliases := map[string]string{}
		for _, name := range f.imports {
			for driver := range drivers {
				if under(name, driver) {
					aliases[packageName(name)] = name
				}
			}
		}
		for _, decl := range f.decls {
			for used := range exportedUses(decl) {
				if name, ok := aliases[used]; ok {
					t.Errorf("%s: an exported declaration mentions %s", f.path, name)
				}
			}
		}
	}
}

// packageName guesses the name that an import path goes by: its last element that is no version.
func packageName(path string) string {
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && strings.HasPrefix(last, "v") && strings.Trim(last[1:], "0123456789") == "" {
		last = parts[len(parts)-2]
	}
	return strings.TrimPrefix(last, "go-")
}

// exportedUses gives the package names used in the signature of an exported function or method, or in an exported
// field or type.
func exportedUses(decl ast.Decl) map[string]bool {
	uses := map[string]bool{}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) {
			selectors(d.Type, uses)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() {
				exportedFields(ts.Type, uses)
			}
		}
	}
	return uses
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	expr := d.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	if index, ok := expr.(*ast.IndexExpr); ok {
		expr = index.X
	}
	id, ok := expr.(*ast.Ident)
	return ok && id.IsExported()
}

func exportedFields(expr ast.Expr, uses map[string]bool) {
	s, ok := expr.(*ast.StructType)
	if !ok {
		selectors(expr, uses)
		return
	}
	for _, field := range s.Fields.List {
		exported := len(field.Names) == 0
		for _, name := range field.Names {
			exported = exported || name.IsExported()
		}
		if exported {
			selectors(field.Type, uses)
		}
	}
}

func selectors(n ast.Node, uses map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				uses[id.Name] = true
			}
		}
		return true
	})
}

func TestPackageComments(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, f := range goFiles(t) {
		if !f.test {
			documented[f.dir] = documented[f.dir] || f.doc
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", dir)
		}
	}
}

func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		for _, decl := range f.decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function; say what is wired in core/app", f.path)
			}
		}
	}
}

// doors are what opens a connection, by package: "*" is all of it, and a name that ends in "*" what begins so.
var doors = map[string][]string{
	"net/http":   {"Get", "Post", "PostForm", "Head", "DefaultClient", "DefaultTransport", "Transport", "Client", "ProxyFromEnvironment"},
	"net":        {"Dial*", "Dialer", "Lookup*", "Resolver", "DefaultResolver", "ResolveIPAddr", "ResolveTCPAddr", "ResolveUDPAddr"},
	"crypto/tls": {"Dial*", "Dialer"},
	"net/smtp":   {"*"},
	"net/rpc":    {"*"},
}

// doormen are the files and packages that may open a connection by themselves, each with its reason.
var doormen = map[string]string{
	"core/internal/outbound":       "it is the one dialer",
	"core/app/plugins.go":          "in a test, plugins reach what the test answers",
	"core/internal/transfer":       "the command line speaks to the server that its user names",
	"core/cli/internal/bench":      "it speaks to the server that it has started",
	"core/internal/log/ferrettest": "a test's proxy in front of a test's store",
	"docs/website":                 "an example program of its own, not a part of the server",
}

// TestOneDialer holds that whatever the server connects to, it connects to through core/internal/outbound.
func TestOneDialer(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		for _, door := range opened(f) {
			keeper := doorman(f)
			if keeper == "" {
				t.Errorf("%s uses %s: connections are opened by core/internal/outbound, which checks where they lead", f.path, door)
			}
			needed[keeper] = true
		}
	}
	for keeper := range doormen {
		if !needed[keeper] {
			t.Errorf("%s opens no connection any more: take it from the list", keeper)
		}
	}
}

func doorman(f goFile) string {
	for keeper := range doormen {
		if under(f.dir, keeper) || f.path == keeper {
			return keeper
		}
	}
	return ""
}

// opened lists the doors that a file mentions. A pointer to an http.Client is one that somebody else has made.
func opened(f goFile) []string {
	var found []string
	made := map[ast.Node]bool{}
	for _, decl := range f.decls {
		ast.Inspect(decl, func(n ast.Node) bool {
			if star, ok := n.(*ast.StarExpr); ok {
				made[star.X] = true
			}
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || made[sel] {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && isDoor(f.names[pkg.Name], sel.Sel.Name) {
				found = append(found, pkg.Name+"."+sel.Sel.Name)
			}
			return true
		})
	}
	return found
}

func isDoor(pkg, name string) bool {
	return slices.ContainsFunc(doors[pkg], func(door string) bool {
		prefix, open := strings.CutSuffix(door, "*")
		return name == door || open && strings.HasPrefix(name, prefix)
	})
}

func TestOpened(t *testing.T) {
	t.Parallel()
	const source = `package p
import ("net"; web "net/http"; "crypto/tls"; "net/smtp")
var a, _ = web.Get("x")
var b = &web.Client{}
var c web.Transport
var d = new(net.Dialer)
var e, _ = net.DialTimeout("tcp", "x", 0)
var f, _ = net.LookupHost("x")
var g, _ = tls.Dial("tcp", "x", nil)
var h = smtp.SendMail
var fine func(*web.Client, net.Conn, *web.Request) = nil
var listen, _ = net.Listen("tcp", ":0")
`
	path := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"web.Get", "web.Client", "web.Transport", "net.Dialer", "net.DialTimeout", "net.LookupHost", "tls.Dial", "smtp.SendMail"}
	if got := opened(parse(t, path)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
