import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// One run of a task in a test: what it may ask of the model, and what it has answered.
final class TaskSession {
    private(set) var answer = TaskHarness.Answer()
    /// The first fault of what the task has asked for or answered: nearer to the cause than what it makes of it.
    private(set) var failure: (any Error)?
    private let assets: [String: UnsafeMutableRawBufferPointer]
    private let texts: [String: TaskHarness.TextInput]
    private let read: TaskHarness.Read?
    private let evaluate: TaskHarness.Evaluate?
    private var samples: WatchedTensors?
    private var outputs: WatchedTensors?
    /// Steps that evaluations have kept, by what they were given and wanted.
    private var history: [[String]: (count: Int, capacity: Int, values: [String: TensorValue])] = [:]

    init(
        _ assets: [String: [UInt8]], _ texts: [String: TaskHarness.TextInput], _ read: TaskHarness.Read?,
        _ evaluate: TaskHarness.Evaluate?
    ) {
        self.assets = assets.mapValues { bytes in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
            copy.copyBytes(from: bytes)
            return UnsafeMutableRawBufferPointer(rebasing: copy[..<bytes.count])
        }
        (self.texts, self.read, self.evaluate) = (texts, read, evaluate)
    }

    deinit { assets.values.forEach { $0.deallocate() } }

    private static func of(_ sink: UnsafeMutableRawPointer?) -> TaskSession {
        Unmanaged.fromOpaque(sink!).takeUnretainedValue()
    }

    private func attempt(_ body: () throws -> Void) -> lamina_status {
        do {
            try body()
            return LAMINA_OK
        } catch {
            failure = failure ?? error
            return LAMINA_ERROR_INTERNAL
        }
    }

    // MARK: Tables

    /// Where the answer goes.
    static func sink(_ own: UnsafeMutableRawPointer) -> lamina_task_sink {
        lamina_task_sink(
            struct_size: UInt32(MemoryLayout<lamina_task_sink>.size), reserved: 0, sink: own,
            add_row: { sink, count, cells in
                let session = TaskSession.of(sink)
                _ = session.attempt {
                    var list = lamina_attributes(
                        struct_size: UInt32(MemoryLayout<lamina_attributes>.size), count: count, items: cells)
                    session.answer.rows.append(try JSONObject(&list))
                }
            },
            add_text: { TaskSession.of($0).answer.text += String(copying: $1) },
            wrote_file: { TaskSession.of($0).answer.files.append(String(copying: $1)) },
            progress: { TaskSession.of($0).answer.progress.append(Double($1) / Double($2)) })
    }

    /// What the task gets, yet without parameters.
    static func model(_ own: UnsafeMutableRawPointer, graph: lamina_string) -> lamina_task_model {
        lamina_task_model(
            struct_size: UInt32(MemoryLayout<lamina_task_model>.size), parameter_count: 0, parameters: nil,
            parameter_names: nil, sink: own,
            asset: { sink, name in
                guard let bytes = TaskSession.of(sink).assets[String(cString: name!)] else {
                    return lamina_string(data: nil, size: 0)
                }
                return lamina_string(
                    data: bytes.baseAddress!.assumingMemoryBound(to: CChar.self), size: UInt64(bytes.count))
            },
            evaluate: { sink, evaluation, outputs in
                let session = TaskSession.of(sink)
                return session.attempt { outputs!.pointee = try session.compute(evaluation!.pointee) }
            },
            graph: graph,
            encode: { sink, input, whole, text, ids in
                TaskSession.of(sink).with(input) { input in
                    let tokens = try input.tokens(Array(text.bytes), isWhole: whole != 0).map(Int64.init)
                    _ = ids!.pointee.add(ids!.pointee.sink, Int64(tokens.count), tokens)
                }
            },
            decode: { sink, input, count, ids, text in
                TaskSession.of(sink).with(input) { input in
                    let tokens = UnsafeBufferPointer(start: ids, count: Int(count)).map { Int($0) }
                    try input.tokenizer.decode(tokens).hand(to: text)
                }
            },
            token: { sink, input, id, text in
                TaskSession.of(sink).with(input) { try Array($0.tokenizer.token(Int(id)).utf8).hand(to: text) }
            },
            special: { sink, input, token in
                guard let input = TaskSession.of(sink).texts[String(cString: input!)],
                    let token = SpecialToken(rawValue: token)
                else { return -1 }
                return Int64(input.tokenizer.special(token))
            },
            vocabulary_size: { sink, input in
                TaskSession.of(sink).texts[String(cString: input!)].map { Int64($0.tokenizer.vocabularySize) } ?? -1
            },
            // The test has no data but single files, and no other models.
            label_count: 0, reserved: 0, labels: nil, link: nil, prepare: { _, _, _ in LAMINA_ERROR_UNSUPPORTED },
            read_file: { _, _, _ in LAMINA_ERROR_UNSUPPORTED }, sample_count: { _, _ in -1 },
            read_samples: { _, _, _, _, _ in LAMINA_ERROR_UNSUPPORTED }, open: { _, _, _ in LAMINA_ERROR_UNSUPPORTED },
            read_field: { sink, path, place, channels, isMade, out in
                let session = TaskSession.of(sink)
                return session.attempt {
                    out!.pointee = try session.read(
                        .init(
                            path: String(cString: path!), place: Int(place), channels: Int(channels),
                            isMade: isMade != 0)
                    )
                }
            })
    }

    private func read(_ request: TaskHarness.FieldRequest) throws -> UnsafePointer<lamina_tensor> {
        guard let read else { throw PluginError.internal("the test gave no function that reads files") }
        try checkOutputs()
        let array = TensorArray([try read(request)], names: ["the samples of \(request.path)"])
        samples = .readOnly(array)
        return UnsafePointer(array.raw)
    }

    // MARK: Computing

    private func compute(_ evaluation: lamina_task_evaluation) throws -> UnsafePointer<lamina_tensor> {
        guard let evaluate else { throw PluginError.internal("the test gave no function that computes") }
        try checkOutputs()
        let given = try (0..<Int(evaluation.given_count)).map { index in
            let (name, tensor) = (String(cString: evaluation.given[index]!), evaluation.values[index])
            guard let type = DataType(tensor.dtype), let data = tensor.data, tensor.layout == LAMINA_LAYOUT_PLAIN else {
                throw PluginError.internal("'\(name)' is given without data, of an unknown type or not plain")
            }
            let shape = (0..<Int(tensor.rank)).map { Int(tensor.shape[$0]) }
            let bytes = UnsafeRawBufferPointer(start: data, count: shape.reduce(type.size, *))
            return (name, TensorValue(type, shape, bytes: Array(bytes)))
        }
        let wanted = (0..<Int(evaluation.wanted_count)).map { String(cString: evaluation.wanted[$0]!) }
        let values: [TensorValue]
        if let flags = evaluation.given_steps {
            values = try inSteps(given, wanted, given.indices.map { flags[$0] != 0 }, evaluation, evaluate)
        } else {
            values = try evaluate(given, wanted)
        }
        let array = TensorArray(values, names: wanted.map { "the value of '\($0)'" })
        outputs = .readOnly(array)
        return UnsafePointer(array.raw)
    }

    /// The steps before are remembered, whole sequences are computed, and the newest steps of the results handed out.
    private func inSteps(
        _ given: [(reference: String, value: TensorValue)], _ wanted: [String], _ isStepped: [Bool],
        _ evaluation: lamina_task_evaluation, _ evaluate: TaskHarness.Evaluate
    ) throws -> [TensorValue] {
        func wrong(_ text: String) -> PluginError { .internal("an evaluation in steps \(text)") }
        let key = given.map(\.reference) + ["→"] + wanted
        let (past, capacity) = (Int(evaluation.past), Int(evaluation.capacity))
        guard let first = isStepped.firstIndex(of: true) else { throw wrong("has no input that holds steps") }
        let shape = given[first].value.shape
        guard shape.count >= 2, past >= 0, past + shape[1] <= capacity else {
            throw wrong("puts a value of shape \(shape) behind \(past) steps, with room for \(capacity)")
        }
        let known = history[key]
        guard past == 0 || (known?.count == past && known?.capacity == capacity) else {
            throw wrong("goes on behind \(past) steps of \(capacity), but \(known?.count ?? 0) were kept")
        }
        var whole = given
        var kept: [String: TensorValue] = [:]
        for (index, isStepped) in isStepped.enumerated() where isStepped {
            let value = given[index].value
            guard value.shape.count >= 2, value.shape[..<2] == shape[..<2] else {
                throw wrong("gives '\(given[index].reference)' in other steps than '\(given[first].reference)'")
            }
            if past > 0, let before = known?.values[given[index].reference] {
                let rows = (0..<shape[0]).map { row in evaluation.rows.map { Int($0[row]) } ?? row }
                guard rows.allSatisfy({ (0..<before.shape[0]).contains($0) }) else {
                    throw wrong("goes on with sequences \(rows) of \(before.shape[0])")
                }
                whole[index].value = TensorValue(joining: [before.sequences(rows), value])
            }
            kept[given[index].reference] = whole[index].value
        }
        history[key] = (past + shape[1], capacity, kept)
        return try evaluate(whole, wanted).map { value in
            guard value.shape.count >= 2, value.shape[0] == shape[0], value.shape[1] == past + shape[1] else {
                return value
            }
            return value.steps(past..<past + shape[1])
        }
    }

    /// Throws when the task has written to what it was to read.
    func checkOutputs() throws(CallError) {
        guard let fault = samples?.fault ?? outputs?.fault else { return }
        throw CallError(call: "run", status: LAMINA_ERROR_INTERNAL, text: "run \(fault)", argument: -1)
    }

    // MARK: Text

    private func with(
        _ name: UnsafePointer<CChar>?, _ body: (TaskHarness.TextInput) throws -> Void
    ) -> lamina_status {
        attempt {
            let name = String(cString: name!)
            guard let input = texts[name] else {
                throw PluginError.data("the test gave no tokenizer for the input '\(name)'")
            }
            try body(input)
        }
    }
}

extension TaskHarness.TextInput {
    fileprivate func tokens(_ text: [UInt8], isWhole: Bool) throws -> [Int] {
        let tokens = try tokenizer.encode(text)
        guard isWhole else { return tokens }
        return (begin ? [tokenizer.special(.begin)] : []) + tokens + (end ? [tokenizer.special(.end)] : [])
    }
}

extension [UInt8] {
    fileprivate func hand(to sink: UnsafePointer<lamina_text_sink>?) {
        _ = withUnsafeBufferPointer { sink!.pointee.add(sink!.pointee.sink, lamina_string($0)) }
    }
}
