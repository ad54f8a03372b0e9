import LaminaFormats
import Testing

@testable import LaminaRecipe

/// Every kind of fault gives one line with its place, what was wanted, and what to do.
@Suite struct FaultTests {
    /// Rows: the text of a recipe, and the whole error.
    @Test(
        arguments: [
            ("", "recipe.yaml: the recipe is empty: it begins with 'lamina: 1', then 'model:'"),
            ("# only this", "recipe.yaml: the recipe is empty: it begins with 'lamina: 1', then 'model:'"),
            (
                "just text",
                "recipe.yaml:1:1: the recipe is a mapping that begins with 'lamina: 1', got the text 'just text'"
            ),
            ("[1]", "recipe.yaml:1:1: the recipe is a mapping that begins with 'lamina: 1', got a list"),
            (
                "model: {}",
                "recipe.yaml:1:1: the recipe lacks 'lamina': begin the recipe with 'lamina: 1', the format's version"
            ),
            ("lamina: one", "recipe.yaml:1:9: 'lamina' is the version of the format, wanted 1, got the text 'one'"),
            (
                "lamina: 2",
                "recipe.yaml:1:9: this recipe has version 2 of the format, this program reads 1: use a newer lamina"
            ),
            ("lamina: 1", "recipe.yaml:1:1: the recipe lacks 'model': write 'model:' with 'input' and 'layers'"),
            (
                "lamina: 1\nmodel:",
                "recipe.yaml:2:1: the recipe lacks 'model': write 'model:' with 'input' and 'layers'"
            ),
            (
                "lamina: 1\nmodel: {}\nprocedure: test.gan",
                "recipe.yaml:3:12: plugin 'test' 1.2.3 has no procedure 'test.gan'; see `lamina plugins show test`"
            ),
            (
                "lamina: 1\ngenerator: { input: [1], layers: [] }",
                "recipe.yaml:2:1: 'generator': one of several networks stands in 'networks:'; "
                    + "a recipe with one has 'model:'"
            ),
            (
                "lamina: 1\nmodle: {}\nmodel: { input: [1], layers: [test.bend] }",
                "recipe.yaml:2:1: the recipe has no key 'modle'; did you mean 'model'?"
            ),
            (
                "lamina: 1\nzzz: {}\nmodel: {}",
                "recipe.yaml:2:1: the recipe has no key 'zzz'; known are 'lamina', 'name', 'description', 'procedure', "
                    + "'networks', 'from', 'data', 'model', 'loss', 'optimizer', 'metrics', 'train'"
            ),
            ("lamina: 1\nepochs: 3\nmodel: {}", "recipe.yaml:2:1: 'epochs' stands in 'train': indent it there"),
            (
                "lamina: 1\nschedule: test.ramp\nmodel: {}",
                "recipe.yaml:2:1: 'schedule' stands in 'optimizer': indent it there"
            ),
            ("lamina: 1\nlayers: 1\nmodel: {}", "recipe.yaml:2:1: 'layers' stands in 'model': indent it there"),
            (
                "lamina: 1\nname: \"a\\tb\"\nmodel: { input: [1], layers: [test.bend] }",
                "recipe.yaml:2:7: 'name': the text has the control character U+9; leave it out"
            ),
            (
                "lamina: 1\nmodel: { input: [_T], layers: [test.bend] }",
                "recipe.yaml:2:18: 'input': a dimension is an integer >= 1 or a name such as T, got the text '_T'"
            ),
            ("lamina: 1\nmodel: 3", "recipe.yaml:2:8: 'model' is a mapping with 'input' and 'layers', got 3"),
            (
                "lamina: 1\nmodel: { layers: [test.bend] }",
                "recipe.yaml:2:8: 'model' lacks 'input': write the shape of one sample, as in 'input: [1, 28, 28]'"
            ),
            ("lamina: 1\nmodel: { input: [1] }", "recipe.yaml:2:8: 'model' lacks 'layers': write the list of layers"),
            (
                "lamina: 1\nmodel: { input: [1], layers: test.bend }",
                "recipe.yaml:2:30: 'layers' is a list, got the text 'test.bend'; begin each layer with '- '"
            ),
            (
                "lamina: 1\nmodel: { input: [1], layers: [] }",
                "recipe.yaml:2:30: 'layers' is empty; a model has at least one layer"
            ),
            (
                "lamina: 1\nname: 5\nmodel: { input: [1], layers: [test.bend] }",
                "recipe.yaml:2:7: 'name': wanted a text, got 5; put it in quotes"
            ),
        ] as [(String, String)])
    func ofTheWhole(text: String, expected: String) {
        #expect(message { _ = try parse(text) } == expected)
    }

    @Test(
        arguments: [
            ("28", "'input': wanted the shape of one sample, as in [1, 28, 28], got 28"),
            ("[0]", "'input': a dimension is an integer >= 1 or a name such as T, got 0"),
            ("[1.5]", "'input': a dimension is an integer >= 1 or a name such as T, got 1.5"),
            ("['a b']", "'input': a dimension is an integer >= 1 or a name such as T, got the text 'a b'"),
            ("[[1]]", "'input': a dimension is an integer >= 1 or a name such as T, got a list"),
            ("[N, 3]", "'input': N is the batch, which a shape leaves out; take another name"),
            ("[1, 2, 3, 4, 5, 6, 7, 8]", "'input' has 8 dimensions, at most 7 (and the batch) are possible"),
            ("{}", "'input' is empty; write the shape of one sample"),
            ("{ dtype: int64 }", "'input' lacks 'shape': write the shape of one sample, as in [1, 28, 28]"),
            ("{ shape: [1], dtype: float31 }", "'dtype': wanted one of * got 'float31'; did you mean 'float32'?"),
            ("{ shape: [1], type: int64 }", "'input' has no key 'type'; did you mean 'dtype'?"),
            (
                "{ shape: [1], name: a b }",
                "'a b' cannot be the name of an input: wanted letters, digits and '_', with dots between them"
            ),
            ("{ shape: [1], name: target }", "'target' cannot be the name of an input: the loss has it; take another"),
            ("{ a: [1], loss: [2] }", "'loss' cannot be the name of an input: the loss has it; take another"),
            ("{ a: { shpe: [1] } }", "input 'a' lacks 'shape': write the shape of one sample, as in [1, 28, 28]"),
            ("{ a: { shape: [1], name: b } }", "input 'a' has no key 'name'; known are 'shape', 'dtype'"),
        ] as [(String, String)])
    func ofInputs(input: String, expected: String) {
        let text = message { _ = try parse(model("- test.bend", input: input)) }
        let pattern = "recipe.yaml:3:*: " + expected
        #expect(Wildcard.matches(pattern, text), "\(text)")
    }

    @Test(
        arguments: [
            ("- 3", "5:7", "an entry of 'layers': wanted a component, such as 'test.linear', got 3"),
            ("- [test.bend]", "5:7", "an entry of 'layers': wanted a component, such as 'test.linear', got a list"),
            ("- {}", "5:7", "an entry of 'layers' names no component, such as 'test.linear'"),
            ("- name: x", "5:7", "an entry of 'layers' names no component, such as 'test.linear'"),
            ("- bend", "5:7", "'bend' is no component: wanted <plugin>.<name>; did you mean 'test.bend'?"),
            (
                "- lineer: { units: 3 }", "5:7",
                "'lineer' is no component: wanted <plugin>.<name>; did you mean 'test.linear'?"
            ),
            ("- xyzzy", "5:7", "'xyzzy' is no component: wanted <plugin>.<name>"),
            (
                "- test.lineer: { units: 3 }", "5:7",
                "plugin 'test' 1.2.3 has no layer or block 'test.lineer'; did you mean 'test.linear'?"
            ),
            ("- test.towr", "5:7", "plugin 'test' 1.2.3 has no layer or block 'test.towr'; did you mean 'test.tower'?"),
            ("- test.squared", "5:7", "'test.squared' is a loss, wanted a layer"),
            (
                "- test.bend: { slope: 1 }\n  test.linear: { units: 3 }", "6:7",
                "an entry of 'layers' names two components, 'test.bend' and 'test.linear'; begin each entry with '- '"
            ),
            ("- test.linear: 10", "5:20", "'test.linear': wanted its attributes, as in { units: … }, got 10"),
            ("- test.add: [a]", "5:17", "'test.add': wanted its attributes, of which it has none, got a list"),
            (
                "- test.linear", "5:7",
                "'test.linear': missing attribute 'units', an integer from 1 to 4096: Number of outputs."
            ),
            ("- test.linear: { unit: 3 }", "5:22", "'test.linear': unknown attribute 'unit'; did you mean 'units'?"),
            (
                "- test.linear: { units: ten }", "5:29",
                "'test.linear': units: wanted an integer from 1 to 4096, got the text 'ten'"
            ),
            ("- test.linear: { units: 0 }", "5:29", "'test.linear': units: wanted a number from 1 to 4096, got 0"),
            (
                "- test.linear: { units: 3, bias: yes }", "5:38",
                "'test.linear': bias: wanted true or false, got the text 'yes'"
            ),
            ("- test.join: { sizes: [1, 10] }", "5:31", "'test.join': sizes[1]: wanted a number from 1 to 9, got 10"),
            (
                "- test.linear: { units: 3, name: x }", "5:32",
                "'name' stands beside 'test.linear', not among its attributes: indent it as 'test.linear:' is"
            ),
            (
                "- test.linear:\n  units: 3", "6:7",
                "'units' is an attribute of 'test.linear': write it inside, 'test.linear: { units: 3 }'"
            ),
            ("- test.bend:\n  form: x", "6:7", "the entry of 'test.bend' has no key 'form'; did you mean 'from'?"),
            (
                "- test.bend:\n  name: \"\"", "6:13",
                "'' cannot be the name of a layer: wanted letters, digits and '_', with dots between them"
            ),
            (
                "- test.bend:\n  name: a/b", "6:13",
                "'a/b' cannot be the name of a layer: wanted letters, digits and '_', with dots between them"
            ),
            (
                "- test.bend:\n  name: a..b", "6:13",
                "'a..b' cannot be the name of a layer: wanted letters, digits and '_', with dots between them"
            ),
            (
                "- test.bend:\n  name: loss", "6:13",
                "'loss' cannot be the name of a layer: the loss has it; take another"
            ),
            ("- test.bend:\n  from: { a: b }", "6:13", "'from': wanted a list of names, got a mapping"),
            ("- test.bend:\n  from: [3]", "6:14", "'from': wanted a text, got 3; put it in quotes"),
            ("- test.bend:\n  from: \"a:x\"", "6:13", "'from': wanted NAME or NAME:OUTPUT, got 'a:x'"),
            ("- test.bend:\n  repeat: 0", "6:15", "'repeat': wanted an integer >= 1, got 0"),
            (
                "- test.bend:\n  repeat: 1000000000000", "6:15",
                "'repeat': at most 100000 nodes are possible, got 1000000000000"
            ),
            ("- test.bend:\n  frozen: 1", "6:15", "'frozen': wanted true or false, got 1"),
            (
                "- test.bend:\n  initializers: test.bell", "6:21",
                "'initializers' is a mapping from parameter names to components, got the text 'test.bell'"
            ),
            (
                "- test.bend:\n  initializers: { weight: test.bel }", "6:31",
                "plugin 'test' 1.2.3 has no initializer 'test.bel'; did you mean 'test.bell'?"
            ),
            (
                "- test.bend:\n  initializers:\n    weight:\n      test.bell:\n      deviation: 1", "9:11",
                "'deviation' is an attribute of 'test.bell': write it inside, 'test.bell: { deviation: 1 }'"
            ),
            (
                "- test.bend:\n  initializers:\n    weight:\n      test.bell:\n      zzz: 1", "9:11",
                "'zzz' cannot stand beside 'test.bell': nothing can"
            ),
            (
                "- test.tower:\n  initializers: {}", "6:21",
                "'initializers' stands beside layers only, 'test.tower' is a block: look for an attribute of it"
            ),
            ("- test.tower:\n  share: x", "6:14", "'share' stands beside layers only, 'test.tower' is a block"),
        ] as [(String, String, String)])
    func ofLayers(layers: String, place: String, expected: String) {
        #expect(message { _ = try parse(model(layers)) } == "recipe.yaml:\(place): \(expected)")
    }

    @Test(
        arguments: [
            ("data: 3", "6:7", "'data' is a mapping with 'train', got 3"),
            ("data: { test: x }", "6:7", "'data' lacks 'train': write 'train: { reader: <plugin>.<name>, … }'"),
            (
                "data: { train: { file: x } }", "6:16",
                "'data.train' lacks 'reader': write 'reader: test.table' and its attributes beside it"
            ),
            ("data: { train: 3 }", "6:16", "'data.train' is a mapping with 'reader' and its attributes, got 3"),
            (
                "data: { train: { test.table: { file: x } } }", "6:18",
                "'data.train': write '{ reader: test.table, … }' with the attributes beside 'reader'"
            ),
            ("data: { train: test.table }", "6:16", "'test.table': missing attribute 'file', a text: The file."),
            (
                "data: { train: { reader: test.table, fil: x } }", "6:38",
                "'test.table': unknown attribute 'fil'; did you mean 'file'?"
            ),
            (
                "data: { train: { reader: test.table, file: x }, tset: 1 }", "6:49",
                "'data' has no key 'tset'; did you mean 'test'?"
            ),
            (
                "data: { train: { reader: test.table, file: x }, transforms: test.scale }", "6:61",
                "'transforms' is a list of components, got the text 'test.scale'; begin each entry with '- '"
            ),
            (
                "data: { train: { reader: test.table, file: x }, transforms: [test.scale] }", "6:62",
                "'test.scale': missing attribute 'factor', a number: The factor."
            ),
            (
                "data: { train: { reader: test.table, file: x }, classes: [a, a] }", "6:62",
                "'classes': 'a' stands twice"
            ),
            (
                "data: { train: { reader: test.table, file: x }, classes: [a, [b]] }", "6:62",
                "'classes': wanted a name, got a list"
            ),
            (
                "data: { train: { reader: test.table, file: x }, input: [a, b] }", "6:56",
                "'data.input' names 2 fields, the model has 1 (input): name one for each"
            ),
            ("loss: 3", "6:7", "'loss': wanted a component, such as 'test.squared', got 3"),
            (
                "loss: { test.squared: { reduction: men } }", "6:36",
                "'test.squared': reduction: wanted one of 'mean', 'sum', got 'men'; did you mean 'mean'?"
            ),
            (
                "loss: { test.squared: , form: x }", "6:25",
                "the entry of 'test.squared' has no key 'form'; did you mean 'from'?"
            ),
            (
                "optimizer: { test.descent: { rate: 1 } }", "6:30",
                "'test.descent': unknown attribute 'rate'; known are 'learning_rate', 'decay', 'betas'"
            ),
            ("optimizer: { test.descent: , clip_norm: 0 }", "6:41", "'clip_norm': wanted a number > 0, got 0"),
            (
                "optimizer: { test.descent: , clip_value: a }", "6:42",
                "'clip_value': wanted a number > 0, got the text 'a'"
            ),
            (
                "optimizer: { test.descent: , layer_decay: 0 }", "6:43",
                "'layer_decay': wanted a number > 0 and <= 1, got 0"
            ),
            (
                "optimizer: { test.descent: , layer_decay: 1.5 }", "6:43",
                "'layer_decay': wanted a number > 0 and <= 1, got 1.5"
            ),
            (
                "optimizer: { test.descent: , layer_decay: yes }", "6:43",
                "'layer_decay': wanted a number > 0 and <= 1, got the text 'yes'"
            ),
            (
                "optimizer: { test.descent: , layers_decay: 0.5 }", "6:30",
                "the entry of 'test.descent' has no key 'layers_decay'; did you mean 'layer_decay'?"
            ),
            ("optimizer: { test.descent: , groups: 1 }", "6:38", "'groups' is a list of { match: …, … }, got 1"),
            (
                "optimizer: { test.descent: , groups: [1] }", "6:39",
                "a group is a mapping with 'match' and attributes, got 1"
            ),
            (
                "optimizer: { test.descent: , groups: [{ decay: 0 }] }", "6:39",
                "a group lacks 'match': write a pattern of parameter names, as in \"*.bias\", or no_decay"
            ),
            (
                "optimizer: { test.descent: , groups: [{ match: '' , decay: 0 }] }", "6:48",
                "'match': wanted a pattern of parameter names, got nothing"
            ),
            (
                "optimizer: { test.descent: , groups: [{ match: x }] }", "6:39",
                "this group changes nothing: write attributes of 'test.descent' beside 'match'"
            ),
            (
                "optimizer: { test.descent: , groups: [{ match: x, deca: 0 }] }", "6:51",
                "'test.descent': unknown attribute 'deca'; did you mean 'decay'?"
            ),
            (
                "optimizer: { test.descent: , schedule: { test.ramp: { steps: -1 } } }", "6:62",
                "'test.ramp': steps: wanted a number >= 0, got -1"
            ),
            (
                "metrics: { test.hits: , test.hit: }", "6:25",
                "an entry of 'metrics' names two components, 'test.hits' and 'test.hit'; keep one"
            ),
            ("metrics: [test.hits, test.bell]", "6:22", "'test.bell' is an initializer, wanted a metric"),
            ("train: { epochs: 0 }", "6:18", "'epochs': wanted an integer >= 1, got 0"),
            ("train: { batch: 1.5 }", "6:17", "'batch': wanted an integer >= 1, got 1.5"),
            ("train: { seed: -1 }", "6:16", "'seed': wanted an integer >= 0, got -1"),
            ("train: { validate: 1 }", "6:20", "'validate': wanted a fraction between 0 and 1, got 1"),
            ("train: { shuffle: no }", "6:19", "'shuffle': wanted true or false, got the text 'no'"),
            ("train: { epoch: 1 }", "6:10", "'train' has no key 'epoch'; did you mean 'epochs'?"),
            (
                "train: { early_stopping: { patience: 3 } }", "6:26",
                "'early_stopping' watches the validation data, but there is none: add 'validate: 0.1' to "
                    + "'train', or 'data.validation'"
            ),
            (
                "train: { validate: 0.1, early_stopping: {} }", "6:41",
                "'early_stopping' lacks 'patience': write after how many epochs without an improvement training ends"
            ),
            (
                "train: { validate: 0.1, early_stopping: { patience: 1, metric: acc } }", "6:64",
                "'metric': wanted one of 'loss', got 'acc'"
            ),
            (
                "train: { validate: 0.1, early_stopping: { patience: 1, minimum_change: -1 } }", "6:72",
                "'minimum_change': wanted a number >= 0, got -1"
            ),
            (
                "data: { train: { reader: test.table, file: x }, validation: { reader: test.table, file: y } "
                    + "}\ntrain: { validate: 0.1 }",
                "7:20", "'validate' splits the training data, but 'data.validation' is given too: keep one"
            ),
        ] as [(String, String, String)])
    func ofTheRest(rest: String, place: String, expected: String) {
        #expect(message { _ = try parse(model("- test.bend", rest: rest)) } == "recipe.yaml:\(place): \(expected)")
    }

    @Test func severalInputsNeedTheirFields() {
        let text = model(
            "- test.join:\n  from: [a, b]", input: "{ a: [1], b: [1] }",
            rest: "data: { train: { reader: test.table, file: x } }")
        #expect(
            message { _ = try parse(text) }
                == "recipe.yaml:7:7: the model has 2 inputs (a, b): write 'input: [fields]' here, one for each")
    }

    /// A plugin that is not there is another kind of error than a wrong recipe.
    @Test func missingPlugins() throws {
        let error = #expect(throws: RecipeError.self) { try parse(model("- other.conv: { size: 3 }")) }
        #expect(error?.kind == .missingPlugin)
        #expect(
            error?.description
                == "recipe.yaml:5:7: layer 'other.conv' needs plugin 'other', which is not installed (installed: test)")
        let typo = #expect(throws: RecipeError.self) { try parse(model("- tst.bend")) }
        #expect(typo?.kind == .missingPlugin)
        #expect(typo?.message.hasSuffix("(installed: test); did you mean 'test.bend'?") == true)
        let wrong = #expect(throws: RecipeError.self) { try parse(model("- test.conv")) }
        #expect(wrong?.kind == .recipe)
    }

    @Test func filesThatCannotBeRead() {
        #expect(
            message { _ = try Recipe.load("/nowhere/recipe.yaml", registry: TestCatalogue.registry) }
                == "/nowhere/recipe.yaml: cannot open the recipe: No such file or directory")
        #expect(
            message { _ = try Recipe.load("/tmp", registry: TestCatalogue.registry) }
                == "/tmp: cannot read the recipe: it is a folder")
    }

    @Test func errorsAreOneShortLine() {
        let long = String(repeating: "x", count: 5000) + "\\n\\e[31m"
        for text in [model("- \"\(long)\""), model("- test.bend:\n  name: \"\(long)\""), "lamina: \"\(long)\""] {
            let text = message { _ = try parse(text) }
            #expect(text.utf8.count < 400)
            #expect(text.utf8.allSatisfy { $0 >= 0x20 })
        }
    }
}
