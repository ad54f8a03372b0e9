import CLamina

/// Updates parameters from gradients, one multi-tensor step per call.
public protocol Optimizer: ComponentType {
    /// The state of each parameter, in the order of `OptimizerStep.state`. Called once, after `init`.
    var states: [OptimizerState] { get }
    init(_ attributes: Attributes) throws
    func step(_ step: OptimizerStep) throws
}

/// One state tensor that the host keeps and saves for each parameter.
public struct OptimizerState: Sendable {
    public enum Kind: Sendable { case likeParameter, scalar }
    public var name: String
    public var kind: Kind
    public var initial: Double

    /// `likeParameter`: float32 with the parameter's shape; `scalar`: one float64.
    public init(_ name: String, _ kind: Kind = .likeParameter, initial: Double = 0) {
        self.name = name
        self.kind = kind
        self.initial = initial
    }
}

/// One call of an optimizer: all parameters of a group with their gradients and states.
public struct OptimizerStep {
    public let raw: UnsafePointer<lamina_optimizer_step>
    public let host: Host

    public var parameterCount: Int { Int(raw.pointee.parameter_count) }
    public func parameter(_ index: Int) -> Tensor { Tensor(raw.pointee.parameters + index) }
    public func gradient(_ index: Int) -> Tensor { Tensor(raw.pointee.gradients + index) }
    /// State `which` (as declared) of parameter `index`.
    public func state(_ which: Int, of index: Int) -> Tensor {
        Tensor(raw.pointee.states + index * Int(raw.pointee.state_count) + which)
    }
    /// 1 at the first call.
    public var number: Int { Int(raw.pointee.step) }
    /// Multiplies the learning rate.
    public var learningRateFactor: Double { raw.pointee.learning_rate_factor }
    /// Multiplies every gradient first.
    public var gradientScale: Float { Float(raw.pointee.gradient_scale) }
    /// Limits every scaled gradient to [-clipValue, clipValue].
    public var clipValue: Float { Float(raw.pointee.clip_value) }

    @inline(__always) init(raw: UnsafePointer<lamina_optimizer_step>, host: Host) {
        self.raw = raw
        self.host = host
    }
}

extension Component {
    public static func optimizer<O: Optimizer>(_ type: O.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_OPTIMIZER, vtable: OptimizerTable.shared,
            factory: Factory<OptimizerTable.Make>({ try O($0) }))
    }
}

enum OptimizerTable {
    typealias Make = (Attributes) throws -> any Optimizer
    typealias OptimizerBox = Box<any Optimizer>

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_optimizer(
                struct_size: UInt32(MemoryLayout<lamina_optimizer>.size), reserved: 0,
                create: { component, host, attributes, out in
                    host!.status {
                        let optimizer = try Factory<Make>.of(component)(Attributes(attributes))
                        out!.pointee = OptimizerBox(optimizer, Host(host!)).retained
                    }
                },
                destroy: { OptimizerBox.release($0) },
                declare_state: { handle, sink, add in
                    let box = OptimizerBox.at(handle)
                    return box.host.raw.status {
                        for state in box.value.states {
                            let kind = state.kind == .scalar ? LAMINA_STATE_SCALAR : LAMINA_STATE_LIKE_PARAMETER
                            try check(add!(sink, state.name, kind, state.initial), "the host refused '\(state.name)'")
                        }
                    }
                },
                step: { handle, step in
                    let box = OptimizerBox.at(handle)
                    return box.host.raw.status { try box.value.step(OptimizerStep(raw: step!, host: box.host)) }
                })))
}
