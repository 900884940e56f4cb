package schema

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/palabre-cms/palabre/core"
)

// The bounds of an expression.
const (
	maxExpression      = 1_000 // bytes
	maxExpressionNodes = 100
	maxOutcome         = 64 << 10 // bytes of the text or list that comes out
	maxSeparator       = 100      // bytes, of join
)

// What expressions may call. Nothing that is not here can be said: neither what knows the time, nor what makes much out of little.
var (
	scalarFunctions    = []string{"len", "abs", "ceil", "floor", "round", "float", "string", "trim", "upper", "lower", "hasPrefix", "hasSuffix"}
	listFunctions      = []string{"sum", "mean", "median", "min", "max", "first", "last", "join", "date"}
	predicateFunctions = []string{"all", "any", "one", "none", "filter", "find", "findLast", "count", "sum"}
)

// newExpression compiles the expression of a computed field, or says what is wrong with it. fields are the names that it may use.
// used are those that it uses.
func newExpression(text string, fields []string) (rule *core.ComputeRule, used []string, wrong core.Text) {
	if text == "" || len(text) > maxExpression {
		return nil, nil, say("Une expression a de 1 à %d caractères.", "An expression has 1 to %d characters.", maxExpression)
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, nil, sayUnreadable(err)
	}
	reading := &expressionReader{fields: fields}
	if reading.read(tree.Node, false); reading.wrong != nil {
		return nil, nil, reading.wrong
	}
	options := []expr.Option{expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.MaxNodes(maxExpressionNodes), expr.Timezone("UTC"),
		expr.DisableAllBuiltins(), expr.Patch(namesAreFields(fields))}
	for _, name := range slices.Concat(scalarFunctions, listFunctions, predicateFunctions) {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if err != nil {
		return nil, nil, sayUnreadable(err)
	}
	return &core.ComputeRule{Computation: &core.Computation{Name: text, Compute: func(_ context.Context, c core.Computing) (any, error) {
		return evaluate(program, c.Doc), nil
	}}}, reading.used, nil
}

func sayUnreadable(err error) core.Text {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return say("L’expression ne se lit pas : %s", "The expression cannot be read: %s", first)
}

// evaluate gives what an expression comes to; nil where a part of it is missing or of another kind than it takes.
func evaluate(program *vm.Program, doc map[string]any) any {
	env, _ := operand(doc).(map[string]any)
	value, err := expr.Run(program, env)
	if err != nil {
		return nil
	}
	return outcome(value)
}

// expressionReader holds an expression to what takes time and memory in proportion to the document: a list is gone through a fixed
// number of times, what is looked at for each item is that item, and nothing multiplies.
type expressionReader struct {
	fields []string
	used   []string
	wrong  core.Text // the first thing
}

// environment is the name of the whole document in expressions, for names that are none there: $env["end-date"].
const environment = "$env"

// operators are those of two sides. Those of comparison may hold an item against a field of the document.
var (
	comparisons = []string{"==", "!=", "<", "<=", ">", ">="}
	operators   = append([]string{"+", "-", "*", "/", "%", "**", "^", "and", "&&", "or", "||", "??", "in", "contains", "startsWith", "endsWith", "matches"}, comparisons...)
)

func (r *expressionReader) refuse(wrong core.Text) {
	if r.wrong == nil {
		r.wrong = wrong
	}
}

// read looks at a node. item says that it is about each item of a list.
func (r *expressionReader) read(n ast.Node, item bool) {
	switch n := n.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode:
	case *ast.IdentifierNode:
		r.name(n.Value, item)
	case *ast.MemberNode:
		r.member(n, item)
	case *ast.ChainNode:
		r.read(n.Node, item)
	case *ast.UnaryNode:
		r.read(n.Node, item)
	case *ast.BinaryNode:
		r.operation(n, item)
	case *ast.ConditionalNode:
		r.readAll(item, n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		r.readAll(item, n.Nodes...)
	case *ast.PointerNode:
		if !item || n.Name != "" && n.Name != "index" {
			r.refuse(sayNotSaid("#" + n.Name))
		}
	case *ast.BuiltinNode:
		r.call(n, item)
	default:
		r.refuse(sayNotSaid(short(n.String())))
	}
}

func (r *expressionReader) readAll(item bool, nodes ...ast.Node) {
	for _, n := range nodes {
		r.read(n, item)
	}
}

func sayNotSaid(what string) core.Text {
	return say("Une expression ne peut pas dire « %s ».", "An expression cannot say “%s”.", what)
}

// name is a field of the document.
func (r *expressionReader) name(name string, item bool) {
	switch {
	case !slices.Contains(r.fields, name):
		r.refuse(meant(say("L’expression parle de « %s », qui n’est pas un champ de ce type.", "The expression speaks of “%s”, which is no field of this type.", short(name)), name, r.fields))
	case item:
		r.refuse(say("Pour chaque élément d’une liste, le champ « %s » ne peut qu’être comparé (==, <…).", "For each item of a list, the field “%s” can be compared (==, <…) and nothing else.", name))
	}
	r.used = append(r.used, name)
}

// member is a field by its name in quotes, or something within a value.
func (r *expressionReader) member(n *ast.MemberNode, item bool) {
	name, isText := n.Property.(*ast.StringNode)
	_, isNumber := n.Property.(*ast.IntegerNode)
	whole, isName := n.Node.(*ast.IdentifierNode)
	switch {
	case n.Method || !isText && !isNumber:
		r.refuse(sayNotSaid(short(n.String())))
	case isName && whole.Value == environment && isText:
		r.name(name.Value, item)
	default:
		r.read(n.Node, item)
	}
}

func (r *expressionReader) operation(n *ast.BinaryNode, item bool) {
	_, literal := n.Right.(*ast.StringNode)
	_, list := n.Right.(*ast.ArrayNode)
	switch {
	case !slices.Contains(operators, n.Operator), n.Operator == "matches" && !literal, item && n.Operator == "in" && !list:
		r.refuse(sayNotSaid(n.Operator))
	case slices.Contains(comparisons, n.Operator):
		r.compared(n.Left, item)
		r.compared(n.Right, item)
	default:
		r.readAll(item, n.Left, n.Right)
	}
}

// compared is one side of a comparison: there, a field may be named also where it is about the items of a list.
func (r *expressionReader) compared(n ast.Node, item bool) { r.read(n, item && !isField(n)) }

// isField reports whether a node names a field, or a value within one.
func isField(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return true
	case *ast.ChainNode:
		return isField(n.Node)
	case *ast.MemberNode:
		return isField(n.Node)
	}
	return false
}

func (r *expressionReader) call(n *ast.BuiltinNode, item bool) {
	goesThrough := len(n.Arguments) == 2 && isPredicate(n.Arguments[1])
	switch {
	case goesThrough && !item && slices.Contains(predicateFunctions, n.Name):
		r.read(n.Arguments[0], false)
		r.read(n.Arguments[1].(*ast.PredicateNode).Node, true)
	case goesThrough && item:
		r.refuse(say("Une expression ne parcourt pas une liste pour chaque élément d’une autre.", "An expression does not go through a list for each item of another."))
	case n.Name == "join" && len(n.Arguments) == 2 && !isSeparator(n.Arguments[1]):
		r.refuse(say("join prend un séparateur écrit en toutes lettres, de %d caractères au plus.", "join takes a separator that is written out, of at most %d characters.", maxSeparator))
	case !goesThrough && (slices.Contains(scalarFunctions, n.Name) || !item && slices.Contains(listFunctions, n.Name)):
		r.readAll(item, n.Arguments...)
	default:
		r.refuse(sayNotSaid(n.Name))
	}
}

func isPredicate(n ast.Node) bool {
	_, is := n.(*ast.PredicateNode)
	return is
}

func isSeparator(n ast.Node) bool {
	s, is := n.(*ast.StringNode)
	return is && len(s.Value) <= maxSeparator
}

// namesAreFields has names mean fields, also those that are called like a function: count, date.
type namesAreFields []string

// Visit implements ast.Visitor.
func (fields namesAreFields) Visit(n *ast.Node) {
	if name, is := (*n).(*ast.IdentifierNode); is && slices.Contains(fields, name.Value) {
		ast.Patch(n, &ast.MemberNode{Node: &ast.IdentifierNode{Value: environment}, Property: &ast.StringNode{Value: name.Value}})
	}
}

// operand makes of a value of a document what expressions calculate with. Numbers are floating-point, so that none wraps around.
func operand(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = operand(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = operand(item)
		}
		return out
	}
	return v
}

// outcome makes a value of a document of what an expression has come to; nil of what is none, or too much.
func outcome(v any) any {
	left := maxOutcome
	if v = outcomeOf(v, &left); left < 0 {
		return nil
	}
	return v
}

func outcomeOf(v any, left *int) any {
	if *left--; *left < 0 {
		return nil
	}
	switch v := v.(type) {
	case bool:
		return v
	case string:
		*left -= len(v)
		return strings.ToValidUTF8(v, "\uFFFD")
	case int:
		return json.Number(strconv.Itoa(v))
	case float64:
		return numberOf(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case time.Duration:
		return numberOf(v.Seconds())
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			if item = outcomeOf(item, left); item != nil {
				list = append(list, item)
			}
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, member := range v {
			*left -= len(name)
			if member = outcomeOf(member, left); member != nil {
				m[name] = member
			}
		}
		return m
	}
	return nil
}

// numberOf writes a number as people do: 0.1 + 0.2 is 0.3. What is no number is nil.
func numberOf(f float64) any {
	const whole = 1 << 53
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil
	case f == math.Trunc(f) && math.Abs(f) < whole:
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	return json.Number(strconv.FormatFloat(f, 'g', 15, 64))
}
