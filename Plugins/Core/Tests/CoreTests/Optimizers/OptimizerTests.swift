import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Core

/// Every optimizer against 100 steps of PyTorch's; the files come from Golden/generate_optimizers.py.
@Suite struct OptimizerGoldenTests {
    @Test(arguments: CoreCatalogue.optimizers.map(\.name))
    func agreesWithPyTorch(_ name: String) throws {
        let optimizer = try #require(CoreCatalogue.optimizers.first { $0.name == name })
        #expect(try checkOptimizer(optimizer, golden: golden("optimizer_\(name)")) == [])
    }
}

@Suite struct OptimizerTests {
    private func optimizer(_ name: String) throws -> Component {
        try #require(CoreCatalogue.optimizers.first { $0.name == name })
    }

    /// Names under which PyTorch keeps the same state, so that people find it again in a checkpoint.
    @Test func statesHavePyTorchsNames() throws {
        func names(_ name: String, _ attributes: JSONObject = [:]) throws -> [String] {
            let parameter = TensorValue([1], [0])
            return try OptimizerHarness(optimizer(name), attributes, parameters: [parameter]).states.map(\.name)
        }
        #expect(try names("sgd") == [])
        #expect(try names("sgd", ["momentum": 0.9]) == ["momentum_buffer"])
        #expect(try names("adam") == ["exp_avg", "exp_avg_sq"])
        #expect(try names("adamw", ["amsgrad": true]) == ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"])
        #expect(try names("adamax") == ["exp_avg", "exp_inf"])
        #expect(try names("nadam") == ["exp_avg", "exp_avg_sq", "mu_product"])
        #expect(try names("radam") == ["exp_avg", "exp_avg_sq"])
        #expect(try names("adagrad") == ["sum"])
        #expect(try names("adadelta") == ["square_avg", "acc_delta"])
        #expect(
            try names("rmsprop", ["momentum": 0.9, "centered": true]) == ["square_avg", "momentum_buffer", "grad_avg"])
        #expect(try names("rprop") == ["prev", "step_size"])
        #expect(try names("asgd") == ["eta", "mu", "ax"])
    }

    /// The first step by hand: p − η (g + λ p), with g scaled, then limited.
    @Test func sgdByHand() throws {
        let sgd = try OptimizerHarness(
            optimizer("sgd"), ["learning_rate": 0.5, "weight_decay": 0.25], parameters: [TensorValue([3], [4, 4, 4])])
        try sgd.step([TensorValue([3], [2, -8, 8])], learningRateFactor: 0.5, gradientScale: 0.5, clipValue: 3)
        // λ p is 1, so p moves by ¼ of 1 + 1, −3 + 1 and 3 + 1.
        #expect(sgd.parameters[0].floats == [3.5, 4.5, 3])
    }

    /// A gradient that is no number must not be limited away: the host has to see that training diverges.
    @Test(arguments: CoreCatalogue.optimizers.map(\.name))
    func notANumberStays(_ name: String) throws {
        let harness = try OptimizerHarness(optimizer(name), parameters: [TensorValue([2], [1, 1])])
        try harness.step([TensorValue([2], [.nan, 1])], clipValue: 1)
        #expect(harness.parameters[0].floats[0].isNaN)
        #expect(harness.parameters[0].floats[1].isFinite)
    }

    /// The averaging of ASGD begins after t0; until then ax follows the parameter.
    @Test func asgdKeepsTheAverage() throws {
        let asgd = try OptimizerHarness(
            optimizer("asgd"), ["t0": 1, "lambd": 0, "learning_rate": 1], parameters: [TensorValue([1], [0])])
        var visited: [Float] = []
        for _ in 0..<5 {
            try asgd.step([TensorValue([1], [-1])])
            visited.append(asgd.parameters[0].floats[0])
        }
        #expect(visited == [1, 2, 3, 4, 5])
        // Steps 3, 4 and 5 enter with 1/1, 1/2 and 1/3, so the average is over them and step 2 is forgotten.
        #expect(asgd.stateValues[2].floats == [4])
    }

    @Test func contradictionsAreRefused() throws {
        func text(_ name: String, _ attributes: JSONObject) throws -> String {
            do {
                _ = try OptimizerHarness(optimizer(name), attributes, parameters: [TensorValue([1], [0])])
                return "accepted"
            } catch { return "\(error)" }
        }
        #expect(try text("sgd", ["nesterov": true]).contains("wanted momentum > 0 and dampening 0"))
        #expect(try text("adam", ["beta1": 1]).contains("beta1 is 1.0, wanted a number in [0, 1)"))
        #expect(try text("radam", ["beta2": 1.0]).contains("beta2 is 1.0, wanted a number in [0, 1)"))
        #expect(try text("rprop", ["minimum_step": 2, "maximum_step": 1]).contains("swap them"))
        #expect(try text("adam", ["learning_rate": -1]).contains("learning_rate"))
    }
}
