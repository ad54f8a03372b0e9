import LaminaFormats
import Testing

@testable import LaminaRecipe

/// `--set path=value`: which value it reaches, and what it says when there is none.
@Suite struct OverrideTests {
    @Test func valuesAreReplacedAndAdded() throws {
        #expect(try parse(fullRecipe, "train.epochs=5").training.epochs == 5)
        #expect(try parse(fullRecipe, "train.epochs=5", "train.epochs=6").training.epochs == 6)
        #expect(try parse(fullRecipe, "name=other").name == "other")
        #expect(try parse(fullRecipe, "name='1'").name == "1")
        #expect(try parse(fullRecipe, "train.threads=").training.threads == nil)
        #expect(
            try parse(fullRecipe, "model.layers[0].test.linear.units=64").model.layers[0].component.attributes["units"]
                == 64)
        #expect(
            try parse(fullRecipe, "model.layers[0].test.linear={ units: 2, bias: false }")
                .model.layers[0].component.attributes == ["units": 2, "bias": false])
        #expect(
            try parse(fullRecipe, "optimizer.test.descent.decay=0.5").optimizer?.component.attributes["decay"] == 0.5)
        #expect(
            try parse(fullRecipe, "optimizer.groups[1].match[0]=x").optimizer?.groups[1].patterns == ["x", "*.bias"])
        #expect(try parse(fullRecipe, "model.input=[2, 28, 28]").model.inputs[0].shape.description == "[N, 2, 28, 28]")
        #expect(
            try parse(fullRecipe, "data.train.file=other.csv").data?.train.attributes["file"] == "/folder/other.csv")
    }

    @Test func whatIsNotThereIsAdded() throws {
        let small = model("- test.bend", rest: "optimizer: test.descent")
        #expect(try parse(small, "train.epochs=5").training.epochs == 5)
        #expect(try parse(small, "optimizer.test.descent.decay=0.5").optimizer?.component.attributes["decay"] == 0.5)
        #expect(try parse(small, "optimizer.clip_norm=2").optimizer?.clipNorm == 2)
        #expect(try parse(small, "model.layers[0].name=x").model.layers[0].name == "x")
        #expect(
            try parse(small, "model.layers[0].test.bend.slope=0.5").model.layers[0].component.attributes == [
                "slope": 0.5
            ])
        #expect(
            try parse(small, "train.validate=0.5", "train.early_stopping.patience=3").training.earlyStopping?.patience
                == 3)
        #expect(try parse(small, "loss=test.squared").loss?.component.id == "test.squared")
        #expect(
            try parse(small, "loss=test.squared", "loss.test.squared.reduction=sum").loss?.component.attributes[
                "reduction"]
                == "sum")
    }

    @Test(
        arguments: [
            ("train.epochs", "--set train.epochs: wanted path=value, as in train.epochs=5"),
            ("=5", "--set =5: wanted path=value, as in train.epochs=5"),
            ("train.epochs=x", "--set train.epochs=x: 'epochs': wanted an integer >= 1, got the text 'x'"),
            ("train.epoch=5", "--set train.epoch=5: 'train' has no key 'epoch'; did you mean 'epochs'?"),
            ("trian.epochs=5", "--set trian.epochs=5: the recipe has no key 'trian'; did you mean 'train'?"),
            (
                "model.layers[0].test.linear.unit=5",
                "--set model.layers[0].test.linear.unit=5: 'test.linear': unknown attribute 'unit'; did you mean 'units'?"
            ),
            (
                "model.layers[0].test.linear.units=x",
                "--set model.layers[0].test.linear.units=x: 'test.linear': units: wanted an integer from 1 to "
                    + "4096, got the text 'x'"
            ),
            (
                "optimizer.test.adam.decay=1",
                "--set optimizer.test.adam.decay=1: there is 'test.descent' here, not 'test.adam'"
            ),
            (
                "model.layers[9].name=x",
                "--set model.layers[9].name=x: 'model.layers' has 6 entries, counted from 0; there is no [9]"
            ),
            (
                "model.layers[-1].name=x",
                "--set model.layers[-1].name=x: wanted a position in brackets at '[-1].name', as in layers[3]"
            ),
            ("model.layers[1=x", "--set model.layers[1=x: wanted a position in brackets at '[1', as in layers[3]"),
            (
                "model.layer[0].name=x",
                "--set model.layer[0].name=x: there is no list 'layer' here; did you mean 'layers'?"
            ),
            ("model[0]=x", "--set model[0]=x: 'model' is a mapping, not a list"),
            ("train.epochs.x=1", "--set train.epochs.x=1: 'train.epochs' is 3, it has no key 'x'"),
            ("model.layers.x=1", "--set model.layers.x=1: 'model.layers' is a list, it has no key 'x'"),
            ("train..x=1", "--set train..x=1: the path has an empty part at '.x'"),
            ("train.seed=[1", "--set train.seed=[1: this is no YAML: *"),
            (
                "lamina=2",
                "--set lamina=2: this recipe has version 2 of the format, this program reads 1: use a newer lamina"
            ),
            (
                "model.layers[0].other.thing.a=1",
                "--set model.layers[0].other.thing.a=1: there is 'test.linear' here, not 'other.thing'"
            ),
        ] as [(String, String)])
    func faults(argument: String, expected: String) {
        let text = message { _ = try parse(fullRecipe, argument) }
        #expect(Wildcard.matches(expected, text), "\(text)")
    }

    @Test func deepPaths() {
        let path = Array(repeating: "a", count: 5000).joined(separator: ".")
        #expect(message { _ = try parse(fullRecipe, path + "=1") }.hasSuffix("the path is deeper than 64 levels"))
    }
}
