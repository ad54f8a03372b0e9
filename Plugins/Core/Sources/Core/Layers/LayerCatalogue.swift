import LaminaSDK

extension CoreCatalogue {
    /// One line per layer.
    public static var layers: [Component] {
        [
            .layer(Add.self),
            .layer(BatchNorm<Spatial1D>.self),
            .layer(BatchNorm<Spatial2D>.self),
            .layer(BatchNorm<Spatial3D>.self),
            .layer(Concat.self),
            .layer(Dense.self),
            .layer(Divide.self),
            .layer(Dropout.self),
            .layer(ELU.self),
            .layer(Embedding.self),
            .layer(Flatten.self),
            .layer(GELU.self),
            .layer(GroupNorm.self),
            .layer(HardSigmoid.self),
            .layer(HardSwish.self),
            .layer(HardTanh.self),
            .layer(Identity.self),
            .layer(InstanceNorm<Spatial1D>.self),
            .layer(InstanceNorm<Spatial2D>.self),
            .layer(InstanceNorm<Spatial3D>.self),
            .layer(LayerNorm.self),
            .layer(LeakyReLU.self),
            .layer(LogSoftmax.self),
            .layer(MatMul.self),
            .layer(Multiply.self),
            .layer(PReLU.self),
            .layer(Pad.self),
            .layer(Permute.self),
            .layer(ReLU.self),
            .layer(ReLU6.self),
            .layer(ReduceMax.self),
            .layer(ReduceMean.self),
            .layer(ReduceMin.self),
            .layer(ReduceSum.self),
            .layer(Reshape.self),
            .layer(SELU.self),
            .layer(SiLU.self),
            .layer(Sigmoid.self),
            .layer(Slice.self),
            .layer(Softmax.self),
            .layer(Softplus.self),
            .layer(Split.self),
            .layer(Subtract.self),
            .layer(Tanh.self),
            .layer(ZerosLike.self),
        ] + tangents
    }

    /// What the tangents of layers need beside layers that there are anyway.
    private static var tangents: [Component] {
        [
            .layer(ActivationTangent<ELU>.self),
            .layer(ActivationTangent<GELU>.self),
            .layer(ActivationTangent<HardSigmoid>.self),
            .layer(ActivationTangent<HardSwish>.self),
            .layer(ActivationTangent<HardTanh>.self),
            .layer(ActivationTangent<LeakyReLU>.self),
            .layer(NormalizationTangent.self),
            .layer(ActivationTangent<ReLU>.self),
            .layer(ActivationTangent<ReLU6>.self),
            .layer(ActivationTangent<SELU>.self),
            .layer(ActivationTangent<SiLU>.self),
            .layer(ActivationTangent<Sigmoid>.self),
            .layer(ActivationTangent<Softplus>.self),
            .layer(ActivationTangent<Tanh>.self),
        ]
    }
}
